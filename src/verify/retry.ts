import type { Context } from '../system/system.ts';
import { CliError } from '../errors/cli-error.ts';
import type { GuestState } from '../guest/state.ts';
import type { MachineInfo } from '../machines/machine.ts';
import { CommandError } from '../system/command-error.ts';
import { createDeadline } from '../system/deadline.ts';
import type { WorkloadVm } from '../steps/lab.ts';
import type { WorkloadLab } from '../steps/workload-lab.ts';
import type { CheckContext, Verdict } from './check.ts';

/**
 * How long, from the start of all checks, pending things are waited for, so that a broken lab is reported within 20 s.
 */
export const RETRY_MS = 12_000;
/** A longer wait for a machine that is booting according to its engine, because it makes progress. */
const BOOT_MS = 45_000;
const PAUSE_MS = 2_000;

/** VMs whose sidecar did not recover within the wait; they are not waited for again. */
const unrecovered = new WeakSet<WorkloadVm>();

/**
 * Runs a check that needs the sidecar. If it fails, the sidecar may still be starting (the VM has just rebooted): then
 * waits for it and runs the check once more.
 */
export async function withRetry(
  lab: WorkloadLab,
  context: CheckContext,
  ask: () => Promise<Verdict>,
): Promise<Verdict> {
  const first = await ask();
  if (first.ok || unrecovered.has(lab.vm)) return first;
  const back = await awaitRecovery(lab, context);
  if (back === 'no') unrecovered.add(lab.vm);
  return back === 'was-ready' ? first : ask();
}

/**
 * Whether the sidecar was ready from the start, or becomes ready within the wait. Returns at once when nothing is
 * pending.
 */
async function awaitRecovery(lab: WorkloadLab, context: CheckContext): Promise<'was-ready' | 'yes' | 'no'> {
  const { clock } = lab.system;
  const from = clock.now();
  let deadline = createDeadline(clock, (context.deadline ?? from + RETRY_MS) - from);
  let boots = false;
  for (let looks = 1; ; looks++) {
    lab.machines.forget();
    lab.vm.forget();
    const found = await lab.machines.find(lab.workload.name, context);
    const state = await stateOrUndefined(lab, context);
    if (state?.sidecar.ready === true) return looks === 1 ? 'was-ready' : 'yes';
    if (isBooting(found)) {
      if (!boots) deadline = createDeadline(clock, Math.max(deadline.left(), from + BOOT_MS - clock.now()));
      boots = true;
    } else if (boots) {
      // The machine has booted; from now on the ordinary deadline applies to its unit.
      boots = false;
      deadline = createDeadline(clock, RETRY_MS);
    }
    const what = pending(lab, found, state);
    if (what === undefined || deadline.left() === 0) return 'no';
    context.say(`waiting for the sidecar: ${what}`);
    await deadline.pause(Math.min(PAUSE_MS, deadline.left()), context.signal);
  }
}

/** What is pending; undefined when nothing is. */
function pending(lab: WorkloadLab, found: MachineInfo | undefined, state: GuestState | undefined): string | undefined {
  if (isBooting(found)) return `${lab.workload.name} is starting`;
  if (found?.state !== 'running') return undefined;
  if (state === undefined) return `${lab.workload.name} does not answer yet`;
  const { active } = state.sidecar;
  return active === 'inactive' || active === 'failed' ? undefined : active;
}

/** A machine is booting when its engine reports it as starting, or as running without an address yet. */
export function isBooting(found: MachineInfo | undefined): boolean {
  return found?.state === 'starting' || (found?.state === 'running' && found.addresses.length === 0);
}

/** The VM's state; undefined while it cannot be read. */
async function stateOrUndefined(lab: WorkloadLab, context: Context): Promise<GuestState | undefined> {
  try {
    return await lab.vm.state(context);
  } catch (error) {
    if (error instanceof CliError || error instanceof CommandError) return undefined;
    throw error;
  }
}
