import { CliError } from '../errors/cli-error.ts';
import { asRoot, type GuestFile, type GuestScript, type Machine, type PutResult } from '../machines/machine.ts';
import type { StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import { CommandError } from '../system/command-error.ts';
import type { Command } from '../system/doors.ts';
import type { Lab } from './lab.ts';

const START_MS = 90_000;
const READY_MS = 180_000;

/**
 * Loading the rules can swallow the very session that loads them (facts/istio-vm.md 5.6). If the call does not come back
 * but a fresh session answers at once, the session froze and the machine is well: go on in new sessions.
 */
export async function putAcrossFreeze(
  machine: Machine,
  files: readonly GuestFile[],
  script: GuestScript,
  context: StepContext,
): Promise<PutResult | undefined> {
  try {
    return await machine.put(files, script, { timeoutMs: START_MS, signal: context.signal });
  } catch (error) {
    if (!timedOut(error)) throw error;
    const alive = await answers(machine, { file: 'true', args: [], effect: 'read', timeoutMs: 15_000 });
    if (!alive) {
      throw new CliError('frozen-session', {
        message: `${machine.name} stopped answering while its sidecar started.`,
        hint: `Restart it with \`multipass restart ${machine.name}\`, then run \`istio-vms bootstrap\` again.`,
        cause: error,
      });
    }
    context.say('that session froze, as sessions older than the rules may; going on in a new one');
    return undefined;
  }
}

function timedOut(error: unknown): boolean {
  if (error instanceof CommandError) return error.failure === 'timed-out';
  return (
    error instanceof CliError && error.facts.cause instanceof CommandError && error.facts.cause.failure === 'timed-out'
  );
}

/**
 * Asks in a new session each time, so that a frozen one costs only its own time-out.
 * @param giveUp looked at after each «no»
 */
export async function waitForReadiness(
  lab: Lab,
  machine: Machine,
  context: StepContext,
  giveUp: () => boolean = () => false,
): Promise<'ready' | 'given-up'> {
  const wait: Command = {
    file: 'pilot-agent',
    args: ['wait', '--timeoutSeconds', '5', '--url', 'http://localhost:15021/healthz/ready'],
    effect: 'read',
    timeoutMs: 20_000,
  };
  const journal = asRoot({
    file: 'journalctl',
    args: ['--unit', 'istio', '--no-pager', '--lines', '40'],
    effect: 'read',
    timeoutMs: 20_000,
  });
  return waitUntil({
    clock: lab.doors.clock,
    signal: context.signal,
    say: context.say,
    what: `the sidecar on ${machine.name}`,
    deadlineMs: READY_MS,
    intervalMs: 1_000,
    hint: `Look at its journal: \`multipass exec -n ${machine.name} -- sudo journalctl --unit istio --lines 40\`.`,
    probe: async () => {
      if (await answers(machine, wait)) return { done: 'ready' } as const;
      if (giveUp()) return { done: 'given-up' } as const;
      const lines = await machine.run(journal).then(
        (result) => result.stdout.trim().split('\n'),
        () => [],
      );
      return { notYet: lines.at(-1) ?? 'not ready yet' };
    },
  });
}

async function answers(machine: Machine, command: Command): Promise<boolean> {
  try {
    await machine.run(command);
    return true;
  } catch (error) {
    if (error instanceof CommandError || error instanceof CliError) return false;
    throw error;
  }
}
