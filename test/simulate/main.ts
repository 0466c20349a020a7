import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { crashCase, goodEnd, momentsOf } from '../rehearsal/crash/case.ts';
import type { Children } from '../rehearsal/crash/killable.ts';
import { scenarioNamed } from '../rehearsal/crash/scenarios.ts';
import { KINDS, scheduleOf } from './schedule.ts';
import { playSeed, type SeedResult } from './seed.ts';

/**
 * `npm run simulate -- --seeds N [--from SEED]`: N worlds, each with the troubles of its seed, on all cores.
 * `npm run simulate -- --seed S`: one of them, told in full. `--crash NAME --at K --children C`: one crash case.
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
const TELL_EVERY_MS = 30_000;

if (values.crash !== undefined)
  process.exitCode = await oneCrash(values.crash, Number(values.at), values.children as Children);
else if (values.seed !== undefined) process.exitCode = await oneSeed(Number(values.seed));
else process.exitCode = await manySeeds(Number(values.from), Number(values.seeds));

async function oneCrash(name: string, at: number, children: Children): Promise<number> {
  const scenario = scenarioNamed(name);
  const moments = await momentsOf(scenario);
  console.log(`${name}: dead at ${at} (${moments[at] ?? 'no such moment'}), children ${children}`);
  return told(await crashCase(scenario, { at, children }, await goodEnd(scenario)));
}

async function oneSeed(seed: number): Promise<number> {
  for (const { kind, after } of scheduleOf(seed)) console.log(`${(after / 1000).toFixed(1).padStart(8)} s  ${kind}`);
  const { problems, lives } = await playSeed(seed);
  console.log(`${lives} lives`);
  return told(problems);
}

function told(problems: readonly string[]): number {
  console.log(problems.length === 0 ? 'converged' : problems.join('\n'));
  return problems.length === 0 ? 0 : 1;
}

async function manySeeds(from: number, count: number): Promise<number> {
  const startedAt = performance.now();
  const results: SeedResult[] = [];
  let next = from;
  let toldAt = startedAt;
  const chunk = (): number[] => {
    const seeds = Array.from({ length: Math.min(CHUNK, from + count - next) }, (_, index) => next + index);
    next += seeds.length;
    return seeds;
  };
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      const worker = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), { execArgv: process.execArgv });
      let lost: (why: Error) => void = () => undefined;
      worker.once('exit', (code) => lost(new Error(`a worker ended with ${code} at seeds from ${next - CHUNK} on`)));
      for (let seeds = chunk(); seeds.length > 0; seeds = chunk()) {
        const done = new Promise<SeedResult[]>((resolve, reject) => {
          worker.once('message', (message) => resolve(message as SeedResult[]));
          lost = reject;
        });
        worker.send(seeds);
        results.push(...(await done));
        if (performance.now() - toldAt > TELL_EVERY_MS) {
          toldAt = performance.now();
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
  const lives = results.reduce((sum, result) => sum + result.lives, 0);
  const runs = (results.length / seconds).toFixed(1);
  console.log(`${results.length} seeds, ${lives} lives in ${Math.round(seconds)} s: ${runs} runs a second`);
  const struck = results.reduce((sum, result) => sum + result.struck.length, 0);
  console.log(`${struck} troubles of ${KINDS.length} kinds struck (and were to):`);
  for (const kind of KINDS) {
    const count = (of: (result: SeedResult) => readonly string[]): number =>
      results.reduce((sum, result) => sum + of(result).filter((each) => each === kind).length, 0);
    const [did, should] = [count((result) => result.struck), count((result) => result.kinds)];
    console.log(`  ${kind.padEnd(24)}${String(did).padStart(6)} (${should})`);
  }
  const bad = results.filter(({ problems }) => problems.length > 0).sort((a, b) => a.seed - b.seed);
  for (const { seed, kinds, problems } of bad) {
    console.log(`seed ${seed} did not converge (${kinds.join(', ')}): ${problems[0]?.slice(0, 300) ?? ''}`);
    console.log(`  npm run simulate -- --seed ${seed}`);
  }
  console.log(`${results.length - bad.length} passed, ${bad.length} failed`);
  return bad.length === 0 ? 0 : 1;
}
