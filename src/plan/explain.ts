import { asCliError, type CliError } from '../errors/cli-error.ts';
import { CommandError } from '../system/command-error.ts';
import { explain } from '../system/explain.ts';
import type { Context } from '../system/system.ts';

/**
 * Converts anything thrown by a step to a CliError: a failed command is explained, anything else is an internal error.
 */
export function explainThrown(thrown: unknown): CliError {
  return thrown instanceof CommandError ? explain(thrown) : asCliError(thrown);
}

/** For `retry`: reports the temporary failure, and when the next attempt is. */
export function repeatMessage(say: Context['say']): (thrown: unknown, pauseMs: number) => void {
  return (thrown, pauseMs) => {
    if (thrown instanceof CommandError) say(`${explain(thrown).message} Trying again in ${pauseMs / 1000}s.`);
  };
}
