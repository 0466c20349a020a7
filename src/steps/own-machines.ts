import type { Context } from '../system/system.ts';
import { CliError } from '../errors/cli-error.ts';
import { foreignMachine } from '../machines/ownership.ts';
import type { EngineContext, MachineInfo, MachineSpec } from '../machines/machine.ts';
import type { StepContext } from '../plan/step.ts';
import { createDeadline } from '../system/deadline.ts';
import type { Lab } from './lab.ts';

/** No engine of ours is longer at one launch: what began earlier has come up, or never will. */
const LONGEST_LAUNCH_MS = 900_000;
/** How long after a cut launch its machine may still appear, and how often we look (docs/facts/multipass.md 3.3). */
const LATE_MS = 90_000;
const LATE_POLL_MS = 3_000;

/**
 * Whether the machine may be built upon: the record is enough to look at it and costs no remote call, the mark on the
 * machine decides where there is no record. Whoever puts something onto it or removes it asks the machine itself.
 */
export async function requireOwnMachine(lab: Lab, found: MachineInfo, context: Context): Promise<boolean> {
  // What the engine's own label says costs nothing and is never out of date.
  if (found.lab !== undefined) return (await lab.ownership.isOurs(found, context)) === 'ours';
  return (
    (await lab.ownership.recorded()).includes(found.name) || (await lab.ownership.isOurs(found, context)) === 'ours'
  );
}

/**
 * The intent is on record before the deed, so that a run cut in between still knows its machine. What turns out to be
 * somebody else's, or not to have come to be, goes from the record. @throws CliError
 */
export async function launchMachine(lab: Lab, spec: MachineSpec, context: EngineContext): Promise<void> {
  const { name } = spec;
  await lab.ownership.intend(name);
  try {
    const launched = await lab.engine.launch(spec, context);
    if (launched === 'found') await expectMark(lab, name, context);
  } catch (thrown) {
    if (await isNotOurs(lab, name, thrown, context)) await lab.ownership.forget(name);
    throw thrown;
  }
  await lab.ownership.confirm(name);
}

/** Whether a launch that failed so has left no machine of ours, nor ever will. */
async function isNotOurs(lab: Lab, name: string, thrown: unknown, context: Context): Promise<boolean> {
  // Nobody saw these launches to their end.
  if (!(thrown instanceof CliError) || ['interrupted', 'timed-out'].includes(thrown.reason)) return false;
  if (thrown.reason === 'foreign-machine') return true;
  lab.machines.forget();
  // An engine that does not answer tells nothing.
  return lab.machines.find(name, context).then(
    (found) => found === undefined,
    () => false,
  );
}

/** What was not launched in this run bears our mark, or it is not ours after all. */
async function expectMark(lab: Lab, name: string, context: Context): Promise<void> {
  lab.machines.forget();
  const found = await lab.machines.find(name, context);
  if (found !== undefined && (await lab.ownership.isOurs(found, context)) !== 'ours')
    throw foreignMachine(found, lab.engine);
}

/** Removes one machine if it is ours, and tells whether there was one. @throws CliError `foreign-machine` */
export async function removeMachine(lab: Lab, name: string, context: StepContext): Promise<boolean> {
  const found = (await lab.machines.find(name, context)) ?? (await lateMachine(lab, name, context));
  if (found !== undefined) {
    if ((await lab.ownership.isOurs(found, context)) !== 'ours') throw foreignMachine(found, lab.engine);
    context.say(`deleting ${name}`);
    await lab.engine.remove(name, context);
    lab.machines.forget();
    if (lab.config.workloads.some((workload) => workload.name === name)) lab.workloadVm(name).forget();
  }
  await lab.ownership.forget(name);
  return found !== undefined;
}

/**
 * The machine of a launch that was cut a moment ago: nothing lists it while its disk is being made, and it comes up all
 * the same. Waits until it does, or is not to be expected any more.
 */
async function lateMachine(lab: Lab, name: string, context: StepContext): Promise<MachineInfo | undefined> {
  const { say, signal } = context;
  const { clock } = lab.system;
  const since = await lab.ownership.unfinishedSince(name);
  if (since === undefined || clock.now() - since > LONGEST_LAUNCH_MS) return undefined;
  say(`its launch was cut: looking for ${LATE_MS / 1000}s whether ${name} comes up after all`);
  const deadline = createDeadline(clock, LATE_MS);
  for (;;) {
    await deadline.pause(LATE_POLL_MS, signal);
    lab.machines.forget();
    const found = await lab.machines.find(name, context);
    if (found !== undefined || deadline.left() === 0) return found;
  }
}
