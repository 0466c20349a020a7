import { asCliError, type CliError } from '../errors/cli-error.ts';
import { CommandError } from '../system/command-error.ts';
import { explain } from '../system/explain.ts';

/**
 * Converts anything thrown by a step to a CliError: a failed command is explained, anything else is an internal error.
 */
export function explainThrown(thrown: unknown): CliError {
  return thrown instanceof CommandError ? explain(thrown) : asCliError(thrown);
}
