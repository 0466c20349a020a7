import { CliError } from '../../errors/cli-error.ts';

/** Asks one question of the API; undefined is «no such thing». */
export type Query = (path: string) => Promise<string | undefined>;

/** Something that a launch needs is not there; the hint is the command that mends it. */
export function notReady(message: string, hint: string): CliError {
  return new CliError('engine-not-answering', { message, hint });
}
