import { CommandError } from '../../system/command-error.ts';
import type { CommandResult } from '../../system/system.ts';
import { SESSION_LOST_EXIT } from '../session.ts';
import { withFour } from './argv.ts';

/**
 * The byte with which a machine says that a command began there: the client does not write it itself. The client's own
 * failures have the exit codes of commands; without this byte nobody could tell them apart.
 */
const BEGAN = '\u001e';

/** What the command itself wrote: what the client wrote before it (a spinner, a banner) is dropped. */
export function withoutMark(result: CommandResult): CommandResult {
  const at = result.stdout.indexOf(BEGAN);
  if (at < 0) return result;
  const byte = result.stdoutBytes.indexOf(BEGAN.charCodeAt(0));
  return { ...result, stdout: result.stdout.slice(at + 1), stdoutBytes: result.stdoutBytes.subarray(byte + 1) };
}

/** The failure as the command itself would have it: its own words, and an exit code that no client's is taken for. */
export function asInner(error: CommandError): CommandError {
  const result = withFour(withoutMark(error.result));
  const neverBegan = error.failure === 'exit' && !error.result.stdout.includes(BEGAN);
  return new CommandError(
    { ...error.command, origin: neverBegan ? 'engine' : 'guest' },
    error.failure,
    neverBegan ? { ...result, exitCode: SESSION_LOST_EXIT } : result,
    { cause: error.cause, issues: error.issues },
  );
}
