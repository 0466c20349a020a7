import { CliError } from '../errors/cli-error.ts';
import type { GuestPayload } from '../guest/k3s.ts';
import type { GuestState } from '../guest/state.ts';
import type { Machine } from '../machines/machine.ts';
import type { StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import { CommandError } from '../system/command-error.ts';
import { createDeadline } from '../system/deadline.ts';
import type { Command, Context } from '../system/system.ts';
import { unitErrorProbe } from './journal.ts';
import type { WorkloadLab } from './workload-lab.ts';

const START_MS = 90_000;
const READY_MS = 180_000;
/** A rebooting machine answers again within this time. */
const BOOT_MS = 60_000;

/** Whether the unit was restarted; after a hung session this is unknown and counts as started. */
export type Started = 'started' | 'unchanged';

/**
 * Loading the rules can hang the session that loads them (docs/facts/istio-vm.md 5.6). If the call times out but a new
 * session answers, only the session hung and the machine is fine: continue in new sessions.
 */
export async function putDespiteHang(
  lab: WorkloadLab,
  machine: Machine,
  payload: GuestPayload,
  context: StepContext,
): Promise<Started> {
  const { signal, say } = context;
  try {
    const { stdout } = await machine.put(payload.files, payload.script, { timeoutMs: START_MS, signal, say });
    return /^(started|restarted)$/m.test(stdout) ? 'started' : 'unchanged';
  } catch (error) {
    if (!timedOut(error)) throw error;
    if (!(await isAlive(lab, machine, context))) {
      throw new CliError('session-hung', {
        message: `${machine.name} stopped answering while its sidecar started.`,
        hint: `Restart it with \`${lab.engine.restartHint(machine.name)}\`, then run \`istio-vms bootstrap\` again.`,
        cause: error,
      });
    }
    say('the session hung while the traffic rules were loaded; reconnecting');
    return 'started';
  }
}

/** Whether a new session answers within the time that a machine needs to boot. */
async function isAlive(lab: WorkloadLab, machine: Machine, context: StepContext): Promise<boolean> {
  const deadline = createDeadline(lab.system.clock, BOOT_MS);
  for (;;) {
    if (await answers(machine, { file: 'true', args: [], effect: 'read', timeoutMs: 15_000 }, context)) return true;
    if (deadline.left() === 0) return false;
    await deadline.pause(2_000, context.signal);
  }
}

function timedOut(error: unknown): boolean {
  const cause = error instanceof CliError ? error.facts.cause : error;
  return cause instanceof CommandError && cause.failure === 'timed-out';
}

export interface Readiness {
  /** Checked after each try that is not ready. */
  readonly giveUp?: () => boolean;
  /** The start that was replaced: its journal lines are old. */
  readonly before?: string | undefined;
}

/** Each try uses a new session, so that a hung one costs only its own timeout. */
export async function waitForReadiness(
  lab: WorkloadLab,
  machine: Machine,
  context: StepContext,
  { giveUp = () => false, before }: Readiness = {},
): Promise<'ready' | 'given-up'> {
  const wait: Command = {
    file: 'pilot-agent',
    args: ['wait', '--timeoutSeconds', '5', '--url', 'http://localhost:15021/healthz/ready'],
    effect: 'read',
    timeoutMs: 20_000,
  };
  // A new start has no error yet; until it has one, the last error of this wait is shown.
  let pending = 'not ready yet';
  const errorProbe = unitErrorProbe(machine, 'istio', before);
  return waitUntil({
    clock: lab.system.clock,
    signal: context.signal,
    say: context.say,
    what: `the sidecar on ${machine.name}`,
    deadlineMs: READY_MS,
    intervalMs: 1_000,
    hint: `Look at its journal: \`${lab.engine.shellHint(machine.name, 'sudo journalctl --unit istio --lines 40')}\`.`,
    probe: async () => {
      if (await answers(machine, wait, context)) {
        // The agent may answer us shortly before it answers the unit's own `ready` check; until then the unit is not
        // started. This reads and caches the whole state, so that the step's final check needs no further session.
        if ((await freshState(lab, context))?.sidecar.active === 'active') return { ready: 'ready' } as const;
        return { pending: 'the agent is ready, its unit is not yet' };
      }
      if (giveUp()) return { ready: 'given-up' } as const;
      const error = await errorProbe(context);
      if (error !== undefined && 'failed' in error) return error;
      pending = error?.pending ?? pending;
      return { pending };
    },
  });
}

/** The machine's current state; undefined when it cannot be read. */
async function freshState(lab: WorkloadLab, context: Context): Promise<GuestState | undefined> {
  lab.vm.forget();
  return undefinedIfFailed(lab.vm.state(context));
}

async function answers(machine: Machine, command: Command, context: Context): Promise<boolean> {
  return (await undefinedIfFailed(machine.run(command, context))) !== undefined;
}

async function undefinedIfFailed<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof CommandError || error instanceof CliError) return undefined;
    throw error;
  }
}
