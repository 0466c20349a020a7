import { CliError } from '../errors/cli-error.ts';
import { CommandError } from '../system/command-error.ts';

/** The error of an operation that stopped because of an interrupt. */
export function interrupted(what: string): CliError {
  return new CliError('interrupted', {
    message: `Interrupted: ${what}.`,
    hint: 'Re-run the same command to resume.',
  });
}

/**
 * Whether something was thrown only because the signal was aborted, as opposed to a real failure at the same moment.
 */
export function isInterrupt(thrown: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  if (thrown instanceof CliError) return thrown.reason === 'interrupted' || isInterrupt(thrown.cause, signal);
  if (thrown instanceof CommandError) return thrown.failure === 'aborted';
  return (
    thrown !== undefined && (thrown === signal.reason || (thrown instanceof Error && thrown.name === 'AbortError'))
  );
}
