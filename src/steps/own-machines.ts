import type { Context } from '../system/system.ts';
import { CliError } from '../errors/cli-error.ts';
import { foreignMachine } from '../machines/ownership.ts';
import type { EngineContext, MachineInfo, MachineSpec } from '../machines/machine.ts';
import type { StepContext } from '../plan/step.ts';
import { createDeadline } from '../system/deadline.ts';
import type { Lab } from './lab.ts';

/** No engine takes longer for one launch: the machine of an earlier launch either has come up, or never will. */
const LONGEST_LAUNCH_MS = 900_000;
/**
 * How long after an interrupted launch its machine may still appear, and the poll interval (docs/facts/multipass.md
 * 3.3).
 */
const LATE_MS = 90_000;
const LATE_POLL_MS = 3_000;

/**
 * Whether the machine belongs to this lab. For reading, the record is sufficient and needs no remote call; without a
 * record the marker on the machine decides. Code that writes to the machine or removes it checks the machine itself.
 */
export async function requireOwnMachine(lab: Lab, found: MachineInfo, context: Context): Promise<boolean> {
  // The engine's own label needs no remote call and is always up to date.
  if (found.lab !== undefined) return (await lab.ownership.isOurs(found, context)) === 'ours';
  return (
    (await lab.ownership.recorded()).includes(found.name) || (await lab.ownership.isOurs(found, context)) === 'ours'
  );
}

/**
 * The intent is recorded before the launch, so that an interrupted run still knows its machine. The record is removed
 * when the machine is foreign or was not created. @throws CliError
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

/** Whether a launch with this failure has left no machine of ours, and will not create one later. */
async function isNotOurs(lab: Lab, name: string, thrown: unknown, context: Context): Promise<boolean> {
  // The outcome of these launches is unknown.
  if (!(thrown instanceof CliError) || ['interrupted', 'timed-out'].includes(thrown.reason)) return false;
  if (thrown.reason === 'foreign-machine') return true;
  lab.machines.forget();
  // If the engine does not answer, the state is unknown.
  return lab.machines.find(name, context).then(
    (found) => found === undefined,
    () => false,
  );
}

/** A machine that was not launched in this run must have our marker; otherwise it is foreign. */
async function expectMark(lab: Lab, name: string, context: Context): Promise<void> {
  lab.machines.forget();
  const found = await lab.machines.find(name, context);
  if (found !== undefined && (await lab.ownership.isOurs(found, context)) !== 'ours')
    throw foreignMachine(found, lab.engine);
}

/** Removes one machine if it is ours; returns whether it existed. @throws CliError `foreign-machine` */
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
 * The machine of a launch that was interrupted a moment ago. It is not listed while its disk is being created, but
 * still comes up. Waits until it appears, or until it can no longer be expected.
 */
async function lateMachine(lab: Lab, name: string, context: StepContext): Promise<MachineInfo | undefined> {
  const { say, signal } = context;
  const { clock } = lab.system;
  const since = await lab.ownership.unfinishedSince(name);
  if (since === undefined || clock.now() - since > LONGEST_LAUNCH_MS) return undefined;
  say(`its launch was interrupted: checking for ${LATE_MS / 1000}s whether ${name} starts after all`);
  const deadline = createDeadline(clock, LATE_MS);
  for (;;) {
    await deadline.pause(LATE_POLL_MS, signal);
    lab.machines.forget();
    const found = await lab.machines.find(name, context);
    if (found !== undefined || deadline.left() === 0) return found;
  }
}
