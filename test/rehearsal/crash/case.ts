import type { Rehearsal } from '../../../src/rehearsal/index.ts';
import type { System } from '../../../src/system/system.ts';
import { exposedSecrets, leftBehind } from './left-behind.ts';
import { killable, type Children, type KillPoint } from './killable.ts';
import { compare, labState, type LabState } from './lab-state.ts';
import { runProgram, type Call, type RunResult } from './program.ts';
import { freshWorld, type WorldOptions } from './world.ts';

/** A run of the program that is killed, with the runs before and after it. */
export interface Scenario {
  readonly name: string;
  readonly worldOptions?: WorldOptions;
  /** Complete runs before it. */
  readonly before?: readonly Call[];
  /** The run that is killed. */
  readonly call: Call;
  /** The runs after it. */
  readonly after: readonly Call[];
  /** Complete runs in a fresh world whose final state is the expected one. Default: `before` and `call`. */
  readonly reference?: readonly Call[];
  /** Differences to ignore. */
  readonly ignored?: RegExp;
  /** What happens to the children of the killed run. Default: both, one case each. */
  readonly children?: readonly Children[];
  /** Wraps the system interfaces of every run: for planted bugs. */
  readonly system?: (system: System, rehearsal: Rehearsal) => System;
}

/** Time until the cluster has settled: stale entries are deleted, and the state of nodes is noticed. */
const SETTLE_MS = 240_000;
/** A run that takes longer is taken to wait without a deadline. The longest legitimate wait is an image over a slow network. */
const MAX_RUN_MS = 3 * 3_600_000;

/** Runs the program until it ends, is killed, or has taken `MAX_RUN_MS`; undefined when it is killed. */
export async function rerun(
  rehearsal: Rehearsal,
  call: Call,
  system: System,
  died?: Promise<unknown>,
  signal?: AbortSignal,
): Promise<RunResult | undefined> {
  const { world } = rehearsal;
  const timeout = new AbortController();
  const timedOut = world.clock.sleep(MAX_RUN_MS, timeout.signal).then(
    (): RunResult => ({ failedChecks: ['the run did not end: something waits without a deadline'] }),
    () => new Promise<never>(() => undefined),
  );
  const run = runProgram(call, system, world.host, world.shipped, signal);
  const result = await rehearsal.drive(() =>
    Promise.race([run, timedOut, ...(died === undefined ? [] : [died.then(() => undefined)])]),
  );
  timeout.abort();
  return result;
}

/** Names of all kill points of the scenario's run, in order, from a run that is not killed. */
export async function killPointsOf(scenario: Scenario): Promise<readonly string[]> {
  const rehearsal = await freshWorld(scenario.worldOptions);
  for (const call of scenario.before ?? []) await expectSuccess(rehearsal, call, scenario);
  const run = killable(rehearsal);
  const result = await rerun(rehearsal, scenario.call, run.system);
  rehearsal.world.crashPoints = undefined;
  const problems = problemsOf(result);
  if (problems.length > 0) throw new Error(`${scenario.name}, without a kill: ${problems.join('; ')}`);
  return run.killPoints;
}

/** The final state of the lab when no run is killed. */
export async function expectedState(scenario: Scenario): Promise<LabState> {
  const rehearsal = await freshWorld(scenario.worldOptions);
  for (const call of scenario.reference ?? [...(scenario.before ?? []), scenario.call])
    await expectSuccess(rehearsal, call, scenario);
  await settle(rehearsal);
  return labState(rehearsal);
}

/** One case: a run that is killed at `killPoint`, then the runs after it. Returns one line per problem. */
export async function crashCase(
  scenario: Scenario,
  killPoint: KillPoint,
  expected: LabState,
): Promise<readonly string[]> {
  const rehearsal = await freshWorld(scenario.worldOptions);
  const wrap = scenario.system ?? ((system: System) => system);
  for (const call of scenario.before ?? []) await expectSuccess(rehearsal, call, scenario);
  const run = killable(rehearsal, killPoint);
  await rerun(rehearsal, scenario.call, wrap(run.system, rehearsal), run.died);
  if (!run.isDead()) return [`there is no kill point ${killPoint.at}`];
  const readable = exposedSecrets(rehearsal).map((line) => `a secret is readable after the kill: ${line}`);
  return readable.length > 0 ? readable : rerunAndCompare(rehearsal, scenario, expected);
}

/** Does the runs after the killed one, and compares the final state with the expected one. Returns one line per problem. */
export async function rerunAndCompare(
  rehearsal: Rehearsal,
  scenario: Scenario,
  expected: LabState,
): Promise<readonly string[]> {
  const wrap = scenario.system ?? ((system: System) => system);
  const problems: string[] = [];
  for (const call of scenario.after) {
    const result = await rerun(rehearsal, call, wrap(rehearsal.system, rehearsal));
    problems.push(...problemsOf(result));
    if (problems.length > 0) return problems;
  }
  await settle(rehearsal);
  const differences = [
    ...compare(labState(rehearsal), expected),
    ...leftBehind(rehearsal).map((line) => `left behind: ${line}`),
  ];
  problems.push(...differences.filter((line) => scenario.ignored?.test(line) !== true));
  problems.push(...exposedSecrets(rehearsal).map((line) => `a secret is readable: ${line}`));
  const last = scenario.after.at(-1);
  if (problems.length === 0 && last?.kind === 'apply')
    problems.push(...(await extraRunProblems(rehearsal, last, wrap)));
  return problems;
}

/** Runs the same command on the healthy lab again, which must write nothing. */
async function extraRunProblems(
  rehearsal: Rehearsal,
  call: Call,
  wrap: NonNullable<Scenario['system']>,
): Promise<readonly string[]> {
  const from = rehearsal.transcript.length;
  const result = await rerun(rehearsal, { ...call, skipVerify: true }, wrap(rehearsal.system, rehearsal));
  const writes = rehearsal.transcript.slice(from).filter(({ command }) => command.effect === 'write');
  return [
    ...problemsOf(result),
    ...writes.map(({ command }) => `one more run wrote something: ${command.args.slice(0, 4).join(' ')}`),
  ];
}

export async function settle(rehearsal: Rehearsal): Promise<void> {
  await rehearsal.world.clock.advance(SETTLE_MS);
}

async function expectSuccess(rehearsal: Rehearsal, call: Call, scenario: Scenario): Promise<void> {
  const system = scenario.system?.(rehearsal.system, rehearsal) ?? rehearsal.system;
  const problems = problemsOf(await rerun(rehearsal, { ...call, skipVerify: true }, system));
  if (problems.length > 0) throw new Error(`${scenario.name}, ${call.kind}: ${problems.join('; ')}`);
}

export function problemsOf(result: RunResult | undefined): readonly string[] {
  const { error, failedChecks = [] } = result ?? {};
  return [
    ...(error === undefined
      ? []
      : [`the run after it failed: ${error.reason}: ${error.message} ${(error.facts.details ?? []).join(' | ')}`]),
    ...failedChecks.map((line) => `check failed: ${line}`),
  ];
}
