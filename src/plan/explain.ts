import { asCliError, type CliError } from '../errors/cli-error.ts';
import { CommandError } from '../system/command-error.ts';
import { explain } from '../system/explain.ts';

/** What anything thrown by a step means: a failed command is explained, the rest is ours. */
export function explainThrown(thrown: unknown): CliError {
  return thrown instanceof CommandError ? explain(thrown) : asCliError(thrown);
}
