import { CliError } from '../errors/cli-error.ts';
import { CommandError } from '../system/command-error.ts';
import type { Clock } from '../system/system.ts';
import { explain } from '../system/explain.ts';
import { retry } from '../system/retry.ts';
import type { EngineContext, Machine } from './machine.ts';

/** cloud-init goes on after the machine answers: three times the five minutes that engines wait for it themselves. */
const CLOUD_INIT_MS = 900_000;

/** In what the engines differ when they wait for the same thing. */
export interface CloudInitWay {
  readonly clock: Clock;
  /** Milliseconds before each further session. */
  readonly pauses: readonly number[];
  /** Whether the session failed, and cloud-init said nothing. */
  readonly isLost: (error: CommandError) => boolean;
  readonly onRetry?: () => void;
  /** How a person asks this machine for more. */
  readonly statusCommand: string;
  /** A better word for a failure, where the engine has one. */
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
    // Each try is a session of its own: the one before may have met sshd, or the agent, while it restarted.
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
    // 2 means: done, with errors that it got over (cloud-init 23.4 and later; docs/facts/multipass.md 7 no. 3).
    if (thrown.result.exitCode !== 2) throw failureOf?.(thrown) ?? failed(machine.name, statusCommand, thrown);
    say(`${machine.name}: cloud-init is done, with warnings (${statusCommand})`);
  }
}

function failed(name: string, statusCommand: string, error: CommandError): CliError {
  return new CliError('machine-failed', {
    message: `cloud-init failed on the machine ${name}, so it is not set up as it should be.`,
    hint: `See why with \`${statusCommand}\`, then recreate it with --recreate.`,
    stderrTail: error.result.stdout.trim(),
    cause: error,
  });
}
