import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { crashCase, expectedState, killPointsOf } from '../rehearsal/crash/case.ts';
import type { Children } from '../rehearsal/crash/killable.ts';
import { scenarioNamed } from '../rehearsal/crash/scenarios.ts';
import { KINDS, scheduleOf } from './schedule.ts';
import { runSeed, type SeedResult } from './seed.ts';

/**
 * `npm run simulate -- --seeds N [--from SEED]`: N simulated worlds, each with the faults of its seed, on all cores.
 * `npm run simulate -- --seed S`: one of them, with details. `--crash NAME --at K --children C`: one crash case.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    crash: { type: 'string' },
    at: { type: 'string', default: '0' },
    children: { type: 'string', default: 'go-on' },
  },
});
const CHUNK = 20;
const PROGRESS_EVERY_MS = 30_000;

if (values.crash !== undefined)
  process.exitCode = await oneCrash(values.crash, Number(values.at), values.children as Children);
else if (values.seed !== undefined) process.exitCode = await oneSeed(Number(values.seed));
else process.exitCode = await manySeeds(Number(values.from), Number(values.seeds));

async function oneCrash(name: string, at: number, children: Children): Promise<number> {
  const scenario = scenarioNamed(name);
  const killPoints = await killPointsOf(scenario);
  console.log(`${name}: killed at ${at} (${killPoints[at] ?? 'no such kill point'}), children ${children}`);
  return printResult(await crashCase(scenario, { at, children }, await expectedState(scenario)));
}

async function oneSeed(seed: number): Promise<number> {
  for (const { kind, after } of scheduleOf(seed)) console.log(`${(after / 1000).toFixed(1).padStart(8)} s  ${kind}`);
  const { problems, runs } = await runSeed(seed);
  console.log(`${runs} runs`);
  return printResult(problems);
}

function printResult(problems: readonly string[]): number {
  console.log(problems.length === 0 ? 'converged' : problems.join('\n'));
  return problems.length === 0 ? 0 : 1;
}

async function manySeeds(from: number, count: number): Promise<number> {
  const startedAt = performance.now();
  const results: SeedResult[] = [];
  let next = from;
  let reportedAt = startedAt;
  const chunk = (): number[] => {
    const seeds = Array.from({ length: Math.min(CHUNK, from + count - next) }, (_, index) => next + index);
    next += seeds.length;
    return seeds;
  };
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      const worker = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), { execArgv: process.execArgv });
      let fail: (reason: Error) => void = () => undefined;
      worker.once('exit', (code) => fail(new Error(`a worker ended with ${code} at seeds from ${next - CHUNK} on`)));
      for (let seeds = chunk(); seeds.length > 0; seeds = chunk()) {
        const done = new Promise<SeedResult[]>((resolve, reject) => {
          worker.once('message', (message) => resolve(message as SeedResult[]));
          fail = reject;
        });
        worker.send(seeds);
        results.push(...(await done));
        if (performance.now() - reportedAt > PROGRESS_EVERY_MS) {
          reportedAt = performance.now();
          const bad = results.filter(({ problems }) => problems.length > 0).length;
          console.error(`${results.length} of ${count} seeds, ${bad} failed`);
        }
      }
      worker.removeAllListeners('exit');
      worker.disconnect();
    }),
  );
  return report(results, (performance.now() - startedAt) / 1000);
}

function report(results: readonly SeedResult[], seconds: number): number {
  const runs = results.reduce((sum, result) => sum + result.runs, 0);
  const rate = (results.length / seconds).toFixed(1);
  console.log(`${results.length} seeds, ${runs} runs in ${Math.round(seconds)} s: ${rate} seeds a second`);
  const occurred = results.reduce((sum, result) => sum + result.occurred.length, 0);
  console.log(`${occurred} faults and signals of ${KINDS.length} kinds occurred (scheduled in parentheses):`);
  for (const kind of KINDS) {
    const count = (of: (result: SeedResult) => readonly string[]): number =>
      results.reduce((sum, result) => sum + of(result).filter((each) => each === kind).length, 0);
    const [occurrences, scheduled] = [count((result) => result.occurred), count((result) => result.kinds)];
    console.log(`  ${kind.padEnd(24)}${String(occurrences).padStart(6)} (${scheduled})`);
  }
  const bad = results.filter(({ problems }) => problems.length > 0).sort((a, b) => a.seed - b.seed);
  for (const { seed, kinds, problems } of bad) {
    console.log(`seed ${seed} did not converge (${kinds.join(', ')}): ${problems[0]?.slice(0, 300) ?? ''}`);
    console.log(`  npm run simulate -- --seed ${seed}`);
  }
  console.log(`${results.length - bad.length} passed, ${bad.length} failed`);
  return bad.length === 0 ? 0 : 1;
}
