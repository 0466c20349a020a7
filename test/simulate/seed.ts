import { clusterOf } from '../../src/rehearsal/cluster/kube.ts';
import { CliError } from '../../src/errors/cli-error.ts';
import { FAULTS, type Rehearsal } from '../../src/rehearsal/index.ts';
import { startFault, startsByItself } from '../../src/rehearsal/fault-setups.ts';
import type { FaultName } from '../../src/rehearsal/faults.ts';
import { hasFaultStarted } from '../../src/rehearsal/fault-state.ts';
import { expectedState, rerun, problemsOf, settle } from '../rehearsal/crash/case.ts';
import { exposedSecrets, leftBehind } from '../rehearsal/crash/left-behind.ts';
import { killable, type KillableRun } from '../rehearsal/crash/killable.ts';
import { compare, labState, type LabState } from '../rehearsal/crash/lab-state.ts';
import { runProgram, type Call, type RunResult } from '../rehearsal/crash/program.ts';
import { freshWorld, HOST, type WorldOptions } from '../rehearsal/crash/world.ts';
import { randomFrom } from './random.ts';
import { engineOf, isSignal, scheduleOf, type Injection } from './schedule.ts';

export interface SeedResult {
  readonly seed: number;
  /** The scheduled faults and signals. */
  readonly kinds: readonly string[];
  /** Those of them that occurred: a fault that waits for a matching operation may never occur. */
  readonly occurred: readonly string[];
  /** Problems of the final state, one line each; empty when it converged. */
  readonly problems: readonly string[];
  /** Runs of the program until the lab was up. */
  readonly runs: number;
}

/** Number of runs, each following the hint of the error before it, after which the lab counts as not converged. */
const MAX_RUNS = 12;
/** The longest pause between two runs, in milliseconds; daemons continue their work meanwhile. */
const MAX_PAUSE_MS = 20_000;
const ARM: WorldOptions = { host: { ...HOST, cpu: 'arm64' }, faults: ['arm64-deb-missing'] };
const ON_INCUS = { MACHINE_ENGINE: 'incus' };

/** Faults that stay active until they are removed, or that start by themselves. */
const LASTING_FAULTS = new Set<FaultName>([
  ...FAULTS.map(({ name }) => name).filter(startsByItself),
  'api-flaky',
  'load-balancer-hostname',
  'second-address',
]);

const expectedStates = new Map<string, Promise<LabState>>();

const upOn = ({ engine }: { readonly engine?: string }): Call => ({
  kind: 'apply',
  ...(engine === 'incus' ? { set: ON_INCUS } : {}),
});

function expectedStateOf(worldOptions: WorldOptions): Promise<LabState> {
  const key = JSON.stringify(worldOptions);
  const cached =
    expectedStates.get(key) ?? expectedState({ name: 'up', worldOptions, call: upOn(worldOptions), after: [] });
  expectedStates.set(key, cached);
  return cached;
}

/** Runs `up` in one world with the injections of a seed until it succeeds. */
export async function runSeed(seed: number): Promise<SeedResult> {
  const injections = scheduleOf(seed);
  const arm = injections.some(({ kind }) => kind === 'arm64-deb-missing') ? ARM : {};
  const worldOptions: WorldOptions = { ...arm, engine: engineOf(seed) };
  const up = upOn(worldOptions);
  const rehearsal = await freshWorld(worldOptions);
  const current: Current = { others: [], endOthers: [] };
  for (const injection of injections)
    rehearsal.world.clock.after(injection.after, () => injectFault(rehearsal, injection, current));
  const kinds = injections.map(({ kind }) => kind);
  const missed = new Set<string>();
  const result = (problems: readonly string[], runs: number): SeedResult => ({
    seed,
    kinds,
    occurred: kinds.filter((kind) => !missed.has(kind)),
    problems,
    runs,
  });

  const pauses = randomFrom(seed + 2 ** 31);
  let call = up;
  let allInjected = false;
  for (let runs = 1; runs <= MAX_RUNS; runs++) {
    const interrupt = new AbortController();
    const run = killable(rehearsal);
    Object.assign(current, { run, interrupt });
    const ending = await rerun(rehearsal, call, run.system, run.died, interrupt.signal);
    rehearsal.world.crashPoints = undefined;
    const readable = exposedSecrets(rehearsal);
    if (readable.length > 0)
      return result(
        readable.map((line) => `a secret is readable: ${line}`),
        runs,
      );
    const unsuccessful = run.isDead() || problemsOf(ending).length > 0;
    const others = unsuccessful ? [] : await rehearsal.drive(() => Promise.all(current.others));
    const bug = [ending, ...others].map(bugIn).find((found) => found !== undefined);
    if (bug !== undefined) return result([bug], runs);
    if (!unsuccessful && allInjected) return result(await finalProblems(rehearsal, worldOptions, kinds), runs);
    if (!unsuccessful) {
      // Lets the remaining injections occur, removes what is still active, and runs once more.
      await rehearsal.world.clock.advance(Math.max(0, ...injections.map(({ after }) => after)) + 60_000);
      // Except for a package that was never published.
      for (const fault of rehearsal.world.faults) {
        if (!LASTING_FAULTS.has(fault) && !hasFaultStarted(rehearsal.world, fault)) missed.add(fault);
        if (fault !== 'arm64-deb-missing') rehearsal.world.faults.delete(fault);
      }
      allInjected = true;
    }
    if (unsuccessful) await rehearsal.world.clock.advance(pauses.whole(MAX_PAUSE_MS));
    call = followHint(rehearsal, ending, up);
  }
  return result([`not converged after ${MAX_RUNS} runs`], MAX_RUNS);
}

/** A result that is a bug whatever was injected. */
function bugIn(ending: RunResult | undefined): string | undefined {
  const { error, failedChecks = [] } = ending ?? {};
  if (error?.reason === 'internal-error') return `internal error: ${error.message}`;
  if (error?.reason === 'foreign-machine') return `took its own machine for a foreign one: ${error.message}`;
  return failedChecks.find((line) => line.includes('without a deadline'));
}

/** The targets of injections: the current run, and other runs in the same directory. */
interface Current {
  run?: KillableRun;
  interrupt?: AbortController;
  readonly others: Promise<RunResult>[];
  /** Ends those of them that still run. */
  readonly endOthers: (() => void)[];
}

function injectFault(rehearsal: Rehearsal, { kind }: Injection, current: Current): void {
  if (!isSignal(kind)) {
    startFault(rehearsal, kind);
    return;
  }
  const { world, system, killAll } = rehearsal;
  if (kind === 'sigkill') current.run?.kill('go-on');
  else if (kind === 'power-cut') {
    current.run?.kill('end');
    // It also ends the other runs and their programs.
    killAll();
    for (const end of current.endOthers.splice(0)) end();
  } else if (kind === 'second-run') {
    const other = runProgram(upOn({ engine: world.engine.name }), system, world.host, world.shipped);
    const ended = new Promise<RunResult>((resolve) => current.endOthers.push(() => resolve({})));
    current.others.push(Promise.race([other, ended]));
  } else {
    current.interrupt?.abort(new CliError('interrupted', { message: 'Interrupted.' }));
    const { run } = current;
    // The second signal also kills the children.
    if (kind === 'sigint-twice') {
      world.clock.after(2_000, () => {
        if (run === current.run) run?.kill('end');
      });
    }
  }
}

/** Does what the error asks of the user, and returns the next call. */
function followHint(rehearsal: Rehearsal, ending: RunResult | undefined, up: Call): Call {
  const { world } = rehearsal;
  const reason = ending?.error?.reason;
  if (reason === 'engine-unavailable') world.engine.daemonUp = true;
  // The user reconnects after any error.
  if (ending?.error !== undefined) world.faults.delete('offline');
  if (ending?.error?.message.includes('a host name') === true) world.faults.delete('load-balancer-hostname');
  if (reason === 'port-conflict') clusterOf(world)?.store.remove('services', 'default', 'already-here');
  return reason === 'machine-failed' ? { ...up, kind: 'recreate' } : up;
}

async function finalProblems(
  rehearsal: Rehearsal,
  worldOptions: WorldOptions,
  kinds: readonly string[],
): Promise<readonly string[]> {
  clusterOf(rehearsal.world)?.store.remove('services', 'default', 'already-here');
  await settle(rehearsal);
  // A download with a wrong digest is kept for inspection.
  const kept = (line: string): boolean => kinds.includes('digest-mismatch') && line.includes('.mismatch');
  return [
    ...compare(labState(rehearsal), await expectedStateOf(worldOptions)).filter((line) => !kept(line)),
    ...leftBehind(rehearsal)
      .filter((line) => !kept(line))
      .map((line) => `left behind: ${line}`),
    ...exposedSecrets(rehearsal).map((line) => `a secret is readable: ${line}`),
  ];
}
