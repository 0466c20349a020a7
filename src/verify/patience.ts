import type { StepContext } from '../plan/step.ts';
import { duration } from '../plan/words.ts';
import type { Lab } from '../steps/lab.ts';
import type { Verdict } from './check.ts';

/** A VM that boots has its sidecar back within this. */
const COMES_BACK_MS = 90_000;
const PAUSE_MS = 2_000;

/** Labs whose sidecar did not come back although we waited: once is enough. */
const inVain = new WeakSet<Lab>();

/**
 * Asks something that needs the sidecar. Where the answer is no, the sidecar may only be on its way (the VM has just
 * rebooted): then it is waited for, and asked once more.
 */
export async function patiently(lab: Lab, context: StepContext, ask: () => Promise<Verdict>): Promise<Verdict> {
  const first = await ask();
  if (first.ok || inVain.has(lab)) return first;
  if (!(await comesBack(lab, context))) {
    inVain.add(lab);
    return first;
  }
  return ask();
}

/** Whether the sidecar is ready, or becomes so while we wait. */
async function comesBack(lab: Lab, context: StepContext): Promise<boolean> {
  const { clock } = lab.doors;
  const until = clock.now() + COMES_BACK_MS;
  for (;;) {
    lab.machines.forget();
    lab.workloadVm.forget();
    const found = await lab.machines.find(lab.config.vm.name);
    const state = await lab.workloadVm.state();
    if (state?.sidecar.ready === true) return true;
    const boots = found?.state === 'starting' || found?.addresses.length === 0;
    const starts = state !== undefined && state.sidecar.active !== 'inactive';
    if (!(boots || starts) || clock.now() >= until) return false;
    context.say(
      `waiting up to ${duration(COMES_BACK_MS)} for the sidecar: ${state?.sidecar.active ?? 'the machine starts'}`,
    );
    await clock.sleep(PAUSE_MS, context.signal);
  }
}
