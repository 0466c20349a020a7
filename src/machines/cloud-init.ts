import { CliError } from '../errors/cli-error.ts';
import { CommandError } from '../system/command-error.ts';
import type { Clock } from '../system/system.ts';
import { explain } from '../system/explain.ts';
import { retry } from '../system/retry.ts';
import type { EngineContext, Machine } from './machine.ts';

/** cloud-init continues after the machine answers: three times the five minutes that engines themselves wait for it. */
const CLOUD_INIT_MS = 900_000;

/** How the engines differ in waiting for cloud-init. */
export interface CloudInitWay {
  readonly clock: Clock;
  /** Milliseconds before each retry in a new session. */
  readonly pauses: readonly number[];
  /** Whether the session failed, rather than cloud-init. */
  readonly isLost: (error: CommandError) => boolean;
  readonly onRetry?: () => void;
  /** The command with which a user sees the status of cloud-init on this machine. */
  readonly statusCommand: string;
  /** A more specific error for a failure, if the engine has one. */
  readonly failureOf?: (error: CommandError) => CliError | undefined;
}

/** Waits until cloud-init is done on the machine. @throws CliError `machine-failed` when it failed */
export async function awaitCloudInit(
  machine: Machine,
  { clock, pauses, isLost, onRetry, statusCommand, failureOf }: CloudInitWay,
  context: EngineContext,
): Promise<void> {
  const { say, signal } = context;
  say(`${machine.name}: waiting for cloud-init`);
  const command = {
    file: 'cloud-init',
    args: ['status', '--wait'],
    effect: 'read',
    timeoutMs: CLOUD_INIT_MS,
  } as const;
  try {
    // Each try uses a new session: the previous one may have failed because sshd, or the agent, was restarting.
    await retry(() => machine.run(command, context), {
      clock,
      delays: pauses,
      shouldRetry: (thrown) => thrown instanceof CommandError && isLost(thrown),
      onRetry: () => onRetry?.(),
      signal,
    });
  } catch (thrown) {
    if (!(thrown instanceof CommandError)) throw thrown;
    if (thrown.failure !== 'exit' || isLost(thrown)) throw explain(thrown);
    // Exit code 2: done, with recoverable errors (cloud-init 23.4 and later; docs/facts/multipass.md 7 no. 3).
    if (thrown.result.exitCode !== 2) throw failureOf?.(thrown) ?? failed(machine.name, statusCommand, thrown);
    say(`${machine.name}: cloud-init is done, with warnings (${statusCommand})`);
  }
}

function failed(name: string, statusCommand: string, error: CommandError): CliError {
  return new CliError('machine-failed', {
    message: `cloud-init failed on the machine ${name}, so it is not set up completely.`,
    hint: `See why with \`${statusCommand}\`, then recreate it with --recreate.`,
    stderrTail: error.result.stdout.trim(),
    cause: error,
  });
}
