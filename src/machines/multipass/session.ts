import { CommandError } from '../../system/command-error.ts';
import type { CommandResult } from '../../system/system.ts';
import { SESSION_LOST_EXIT } from '../session.ts';
import { withFour } from './argv.ts';

/**
 * The byte that a machine writes when a command starts there; the client itself never writes it. The client's own
 * failures have the same exit codes as commands; only this byte tells them apart.
 */
const BEGAN = '\u001e';

/** The machine does not exist, so a new session would fail as well. */
const ABSENT = /^instance "[^"]+" (?:does not exist|is deleted)/m;

/**
 * The connection was lost or could not be opened: ssh's own exit code, or the client's text (docs/facts/multipass.md
 * 1.2).
 */
export function isLost({ failure, result }: CommandError): boolean {
  if (failure !== 'exit' || ABSENT.test(result.stderr)) return false;
  return result.exitCode === SESSION_LOST_EXIT || /^exec failed: ssh/m.test(result.stderr);
}

/** The output of the command itself, without what the client wrote before it (a spinner, a banner). */
export function withoutMark(result: CommandResult): CommandResult {
  const at = result.stdout.indexOf(BEGAN);
  if (at < 0) return result;
  const byte = result.stdoutBytes.indexOf(BEGAN.charCodeAt(0));
  return { ...result, stdout: result.stdout.slice(at + 1), stdoutBytes: result.stdoutBytes.subarray(byte + 1) };
}

/**
 * The failure as the command itself would report it: its own output, and an exit code that cannot be confused with the
 * client's.
 */
export function asInner(error: CommandError): CommandError {
  const result = withFour(withoutMark(error.result));
  const neverBegan = error.failure === 'exit' && !error.result.stdout.includes(BEGAN);
  return new CommandError(
    { ...error.command, origin: neverBegan ? 'engine' : 'guest' },
    error.failure,
    isLost(error) || (neverBegan && !ABSENT.test(result.stderr)) ? { ...result, exitCode: SESSION_LOST_EXIT } : result,
    { cause: error.cause, issues: error.issues },
  );
}
