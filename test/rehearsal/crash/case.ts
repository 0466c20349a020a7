import type { Rehearsal } from '../../../src/rehearsal/index.ts';
import type { System } from '../../../src/system/system.ts';
import { exposed, leftBehind } from './left-behind.ts';
import { killable, type Children, type KillPoint } from './killable.ts';
import { compare, labState, type LabState } from './lab-state.ts';
import { live, type Call, type Ending } from './program.ts';
import { freshWorld, type Stage } from './world.ts';

/** What is done, and with which lives the last of it may end before its time. */
export interface Scenario {
  readonly name: string;
  readonly stage?: Stage;
  /** Undisturbed lives before. */
  readonly before?: readonly Call[];
  /** The life that dies. */
  readonly call: Call;
  /** The lives after it. */
  readonly after: readonly Call[];
  /** What the end is compared with: the end of these, undisturbed, in a fresh world. Default: `before` and `call`. */
  readonly like?: readonly Call[];
  /** Differences that are fine. */
  readonly spares?: RegExp;
  /** What becomes of the children of the life that dies; default both, one case each. */
  readonly children?: readonly Children[];
  /** Wraps the system interfaces of every life: for planted bugs. */
  readonly system?: (system: System, rehearsal: Rehearsal) => System;
}

/** Until everything that was on its way has arrived: entries that go, nodes that are noticed. */
const SETTLE_MS = 240_000;
/** A life that takes longer waits without a deadline. The longest that we allow ourselves is an image over a bad line. */
const MAX_RUN_MS = 3 * 3_600_000;

/** Lets the program live to its end, however long its clock says that takes. */
export async function rerun(
  rehearsal: Rehearsal,
  call: Call,
  system: System,
  died?: Promise<unknown>,
  signal?: AbortSignal,
): Promise<Ending | undefined> {
  const { world } = rehearsal;
  const patience = new AbortController();
  const tooLong = world.clock.sleep(MAX_RUN_MS, patience.signal).then(
    (): Ending => ({ unproved: ['it never ended: something waits without a deadline'] }),
    () => new Promise<never>(() => undefined),
  );
  const life = live(call, system, world.host, world.shipped, signal);
  const ending = await rehearsal.drive(() =>
    Promise.race([life, tooLong, ...(died === undefined ? [] : [died.then(() => undefined)])]),
  );
  patience.abort();
  return ending;
}

/** Every moment of the scenario's life, in order, as an undisturbed one has them. */
export async function momentsOf(scenario: Scenario): Promise<readonly string[]> {
  const rehearsal = await freshWorld(scenario.stage);
  for (const call of scenario.before ?? []) await expectSuccess(rehearsal, call, scenario);
  const life = killable(rehearsal);
  const ending = await rerun(rehearsal, scenario.call, life.system);
  rehearsal.world.crashPoints = undefined;
  const problems = problemsOf(ending);
  if (problems.length > 0) throw new Error(`${scenario.name}, undisturbed: ${problems.join('; ')}`);
  return life.moments;
}

/** The world at the end of it all, had nobody died. */
export async function goodEnd(scenario: Scenario): Promise<LabState> {
  const rehearsal = await freshWorld(scenario.stage);
  for (const call of scenario.like ?? [...(scenario.before ?? []), scenario.call])
    await expectSuccess(rehearsal, call, scenario);
  await settle(rehearsal);
  return labState(rehearsal);
}

/** One case: a life that ends at `death`, then the others. Gives what is wrong, a line each; nothing when all is well. */
export async function crashCase(scenario: Scenario, death: KillPoint, good: LabState): Promise<readonly string[]> {
  const rehearsal = await freshWorld(scenario.stage);
  const wrap = scenario.system ?? ((system: System) => system);
  for (const call of scenario.before ?? []) await expectSuccess(rehearsal, call, scenario);
  const life = killable(rehearsal, death);
  await rerun(rehearsal, scenario.call, wrap(life.system, rehearsal), life.died);
  if (!life.isDead()) return [`there is no moment ${death.at}`];
  const open = exposed(rehearsal).map((line) => `a secret lies open after the crash: ${line}`);
  return open.length > 0 ? open : aftermath(rehearsal, scenario, good);
}

/** The lives after it, and what is wrong with the end of them all. */
export async function aftermath(rehearsal: Rehearsal, scenario: Scenario, good: LabState): Promise<readonly string[]> {
  const wrap = scenario.system ?? ((system: System) => system);
  const problems: string[] = [];
  for (const call of scenario.after) {
    const ending = await rerun(rehearsal, call, wrap(rehearsal.system, rehearsal));
    problems.push(...problemsOf(ending));
    if (problems.length > 0) return problems;
  }
  await settle(rehearsal);
  const differences = [
    ...compare(labState(rehearsal), good),
    ...leftBehind(rehearsal).map((line) => `left behind: ${line}`),
  ];
  problems.push(...differences.filter((line) => scenario.spares?.test(line) !== true));
  problems.push(...exposed(rehearsal).map((line) => `a secret lies open: ${line}`));
  const last = scenario.after.at(-1);
  if (problems.length === 0 && last?.kind === 'apply') problems.push(...(await idle(rehearsal, last, wrap)));
  return problems;
}

/** A further run on the healthy lab must write nothing. */
async function idle(
  rehearsal: Rehearsal,
  call: Call,
  wrap: NonNullable<Scenario['system']>,
): Promise<readonly string[]> {
  const from = rehearsal.transcript.length;
  const ending = await rerun(rehearsal, { ...call, skipVerify: true }, wrap(rehearsal.system, rehearsal));
  const writes = rehearsal.transcript.slice(from).filter(({ command }) => command.effect === 'write');
  return [
    ...problemsOf(ending),
    ...writes.map(({ command }) => `one more run was not idle: ${command.args.slice(0, 4).join(' ')}`),
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

export function problemsOf(ending: Ending | undefined): readonly string[] {
  const { error, unproved = [] } = ending ?? {};
  return [
    ...(error === undefined
      ? []
      : [`the run after it failed: ${error.reason}: ${error.message} ${(error.facts.details ?? []).join(' | ')}`]),
    ...unproved.map((line) => `not proved: ${line}`),
  ];
}
