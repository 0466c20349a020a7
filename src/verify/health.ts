import type { Context } from '../system/system.ts';
import { CliError } from '../errors/cli-error.ts';
import { DEMO_UNIT, portConflict, listenerText } from '../guest/demo.ts';
import type { GuestState } from '../guest/state.ts';
import { asRoot, type Machine } from '../machines/machine.ts';
import { waitUntil } from '../plan/wait.ts';
import type { WorkloadLab } from '../steps/workload-lab.ts';
import type { WorkloadEntry } from '../kube/kinds.ts';
import { cleanupContext } from '../system/context.ts';
import { createDeadline } from '../system/deadline.ts';
import { fail, pass, type CheckContext, type Verdict, type WorkloadCheck } from './check.ts';
import { kubectlGetHint } from './cluster-checks.ts';
import { stability } from './stability.ts';
import { runningVm } from './vm.ts';
import { entrySeen, findEntry } from './vm-checks.ts';

/**
 * The agent's probe runs every 5 s, and one result is enough (docs/facts/real-mesh.md 6.8). This is the minimum wait.
 */
const FLIP_MS = 9_000;
/** How much longer than other checks this one may wait, because it is nearly the last. Milliseconds. */
const LATER_MS = 4_000;
/** The maximum wait in a lab that is still settling. */
const SETTLING_MS = 45_000;
/** After so long without a change the entry is read to learn the reason. Milliseconds. */
const SLICE_MS = 12_000;
const PAUSE_MS = 2_000;

/** Health must follow the workload, not just be good: stopped → unhealthy, running → healthy. */
export const health: WorkloadCheck = {
  of: 'workload',
  name: 'health',
  title: 'unhealthy while the demo workload is stopped, healthy when it runs',
  needs: ['registration', 'istiod', 'gateway'],
  commands: ['bootstrap', 'route'],
  mutatesLab: true,
  async run(lab, context) {
    const entry = (await entrySeen(lab, context)) ?? (await findEntry(lab, context));
    if (entry === undefined) return fail('no WorkloadEntry');
    // The workload is stopped only if it runs, so that the state afterwards is the same as before.
    const state = await lab.vm.state(context);
    const other = state === undefined ? undefined : otherApplication(lab, state);
    if (other !== undefined) {
      const listens = state !== undefined && portConflict(state) !== undefined;
      // Without a listener on the port the VM cannot become healthy, so one read is enough.
      const health = listens
        ? await waitForHealth(lab, entry, 'True', context)
        : healthOf(await findEntry(lab, context));
      return healthyOnly(lab, health, other);
    }
    const { active } = state?.demo ?? { active: 'not there' };
    if (active !== 'active') return fail(`the demo workload is ${active}`, { certain: true });
    // Looked up before the stop: the cleanup then needs no lookup that an interrupt could abort.
    const vm = await runningVm(lab, context);
    let stopped: string;
    try {
      context.say('stopping the demo workload');
      await demo(lab, vm, 'stop', context);
      // The stopped demo workload is a difference of its step, and made by this check: it explains nothing.
      stopped = await waitForHealth(lab, entry, 'False', { ...context, stepDiffers: () => Promise.resolve(false) });
    } finally {
      // This also runs after an interrupt, so that the workload is started again.
      await demo(lab, vm, 'start', cleanupContext(context));
    }
    if (stopped !== 'False') return fail(`stopped: Healthy is ${stopped}`, { look: entries(lab) });
    context.say('the demo workload runs again');
    const running = await waitForHealth(lab, entry, 'True', context);
    return running === 'True'
      ? pass('stopped: Healthy False; running: Healthy True')
      : fail(`running: Healthy is ${running}`, { look: entries(lab) });
  },
};

/** What serves the port instead of the demo workload; undefined when the demo workload serves it. */
export function otherApplication({ workload }: WorkloadLab, state: GuestState): string | undefined {
  const foreign = portConflict(state);
  if (foreign !== undefined) return listenerText(foreign);
  return workload.demo ? undefined : `nothing (DEMO=off) on port ${workload.appPort}`;
}

/** The user's own application is not stopped, so only its being healthy can be checked. */
function healthyOnly(lab: WorkloadLab, health: string, other: string): Verdict {
  return health === 'True'
    ? pass(`Healthy True, served by ${other}; not stopped for this check`)
    : fail(`Healthy is ${health}; the port is served by ${other}`, {
        hint: `serve port ${lab.workload.appPort} on ${lab.workload.name} with your application, or set DEMO=on`,
      });
}

const entries = (lab: WorkloadLab): string =>
  `${kubectlGetHint(lab, lab.workload.namespace, 'workloadentries')} -o yaml`;

async function demo(lab: WorkloadLab, vm: Machine, verb: 'start' | 'stop', context: Context): Promise<void> {
  const command = asRoot({ file: 'systemctl', args: [verb, DEMO_UNIT], effect: 'write', timeoutMs: 60_000 });
  await vm.run(command, context);
  lab.vm.forget();
}

/**
 * Waits for a health of the VM's entry, longer only in a lab that is still settling. Returns the wanted health, or the
 * last one. The entry may be recreated in the meantime.
 */
async function waitForHealth(
  lab: WorkloadLab,
  known: WorkloadEntry,
  wanted: 'True' | 'False',
  context: CheckContext,
): Promise<string> {
  const { namespace } = lab.workload;
  const { clock } = lab.system;
  // Each read and blocking command takes less than a minute, so a longer one means that the computer slept.
  const settling = createDeadline(clock, SETTLING_MS);
  let deadline = createDeadline(clock, Math.max(FLIP_MS, (context.deadline ?? 0) + LATER_MS - clock.now()));
  let isExtended = false;
  let entry: WorkloadEntry | undefined = known;
  let status = 'unknown';
  try {
    return await waitUntil({
      clock,
      signal: context.signal,
      say: context.say,
      what: `Healthy to be ${wanted}`,
      deadlineMs: SETTLING_MS,
      intervalMs: PAUSE_MS,
      hint: 'The probe is part of the workload files: `istio-vms workload`, then `istio-vms bootstrap`.',
      probe: async () => {
        // The blocking command notices the change at once, but only returns whether it happened.
        const slice = Math.min(SLICE_MS, deadline.left());
        if (
          entry !== undefined &&
          slice > 0 &&
          (await lab.kubectl.entryHealth(entry.metadata.name, namespace, wanted, slice, context))
        )
          return { ready: wanted };
        entry = await findEntry(lab, context);
        status = healthOf(entry);
        if (status === wanted) return { ready: wanted };
        const isOver = (): boolean => deadline.left() < PAUSE_MS;
        if (isOver() && !isExtended && (await stability(lab, context)) === 'settling') {
          isExtended = true;
          deadline = settling;
        }
        return isOver() ? { ready: status } : { pending: `Healthy is ${status}` };
      },
    });
  } catch (error) {
    if (error instanceof CliError && error.reason === 'timed-out') return status;
    throw error;
  }
}

/** `True`, `False`, or `unknown` when istiod has not set it. */
export function healthOf(entry: WorkloadEntry | undefined): string {
  return entry?.status?.conditions?.find(({ type }) => type === 'Healthy')?.status ?? 'unknown';
}
