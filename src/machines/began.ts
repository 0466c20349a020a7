import { CommandError } from '../system/command-error.ts';
import type { CommandResult } from '../system/doors.ts';

/**
 * The byte with which a machine says that a command began there: no client writes it itself. An engine's own failures
 * have the exit codes of commands; without this byte nobody could tell them apart.
 */
const BEGAN = '\u001e';

/** What a command that never began ends with, as with ssh. */
const NEVER_BEGAN = 255;

type Stream = 'stdout' | 'stderr';

export const began = (result: CommandResult, stream: Stream): boolean => result[stream].includes(BEGAN);

/** What the command itself wrote: what the engine's client wrote before it (a spinner, a banner) is dropped. */
export function withoutMark(result: CommandResult, stream: Stream): CommandResult {
  const at = result[stream].indexOf(BEGAN);
  if (at < 0) return result;
  if (stream === 'stderr') return { ...result, stderr: result.stderr.slice(at + 1) };
  const byte = result.stdoutBytes.indexOf(BEGAN.charCodeAt(0));
  return { ...result, stdout: result.stdout.slice(at + 1), stdoutBytes: result.stdoutBytes.subarray(byte + 1) };
}

/**
 * The failure as the command itself would have it: its own words, and an exit code that no engine's is taken for.
 *
 * @param mend puts the result right where the engine had to bend it
 */
export function asInner(
  error: CommandError,
  stream: Stream,
  mend: (result: CommandResult) => CommandResult = (result) => result,
): CommandError {
  const result = mend(withoutMark(error.result, stream));
  const lost = error.failure === 'exit' && !began(error.result, stream);
  return new CommandError(error.command, error.failure, lost ? { ...result, exitCode: NEVER_BEGAN } : result, {
    cause: error.cause,
  });
}
