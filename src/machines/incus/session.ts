import { CommandError } from '../../system/command-error.ts';
import type { CommandResult } from '../../system/system.ts';
import { SESSION_LOST_EXIT } from '../session.ts';

/** The byte that marks the output of a command on a machine: before it on stderr, after it on both (`argv.ts`). */
const MARK = '\u001e';

/** Exit codes of a session whose machine was stopped, restarted or deleted (docs/facts/incus.md 2.2). */
const MACHINE_ENDED = new Set([137, 143]);
/** The same, and that of a time limit: then the last marks were not written. */
const ENDED_FROM_OUTSIDE = new Set([124, ...MACHINE_ENDED]);
/** The daemon ended and the session with it; the command may continue (docs/facts/incus.md 2.2). */
export const DAEMON_ENDED = /Error: websocket: close \d+/;

/** Whether Incus itself failed; it has no exit code of its own (docs/facts/incus.md 2.2). */
export function neverStarted({ failure, result }: CommandError): boolean {
  const { exitCode, stdout, stderr } = result;
  const marked = stderr.includes(MARK) || stdout.endsWith(MARK);
  return failure === 'exit' && !marked && (exitCode === 1 || exitCode === 255) && /^Error: /m.test(stderr);
}

/**
 * Whether the output of the command is complete. A busy Incus 6.0 sometimes loses the end of the output (in 3,000 short
 * commands, eight at a time on two cores: one in ten), and its exit code does not show it.
 */
export function isWhole({ stdout, stderr }: CommandResult): boolean {
  return stdout.endsWith(MARK) && stderr.indexOf(MARK) < stderr.lastIndexOf(MARK);
}

/** Whether the command exited by itself, but its output is incomplete. */
export function isCut(error: CommandError): boolean {
  const { failure, result } = error;
  if (failure !== 'exit' || ENDED_FROM_OUTSIDE.has(result.exitCode)) return false;
  return !isWhole(result) && !neverStarted(error);
}

/**
 * Whether the session ended before the command did. A command that was killed on a running machine (out of memory) has
 * its last marks, because the shell around it continues.
 */
export function isLost({ failure, result }: CommandError): boolean {
  if (failure !== 'exit' || isWhole(result)) return false;
  return MACHINE_ENDED.has(result.exitCode) || DAEMON_ENDED.test(result.stderr);
}

/** The machine does not exist, so a new session would fail as well. */
const ABSENT = /: Instance not found$/m;

/** The output of the command itself, without the text of the image's shell before it and of the client after it. */
export function withoutMarks(result: CommandResult): CommandResult {
  const { stdout, stdoutBytes, stderr } = result;
  const first = stderr.indexOf(MARK);
  const last = stderr.lastIndexOf(MARK);
  const ended = stdout.endsWith(MARK);
  return {
    ...result,
    stdout: ended ? stdout.slice(0, -1) : stdout,
    stdoutBytes: ended ? stdoutBytes.subarray(0, -1) : stdoutBytes,
    stderr: stderr.slice(first + 1, last > first ? last : undefined),
  };
}

/**
 * The failure as the command itself would report it: its own output, and an exit code that cannot be confused with the
 * client's.
 */
export function asInner(error: CommandError): CommandError {
  const result = withoutMarks(error.result);
  const isNever = neverStarted(error);
  // Exit code 0 with incomplete output: the result is not known, so it counts as a lost session, which is retried where
  // that is safe.
  const isUnknown = isCut(error) && result.exitCode === 0;
  const isLostSession = isUnknown || isLost(error) || (isNever && !ABSENT.test(result.stderr));
  const exitCode = isLostSession ? SESSION_LOST_EXIT : result.exitCode;
  const stderr = isUnknown
    ? 'The command succeeded, but Incus lost its output.'
    : isLost(error) && result.stderr === ''
      ? 'The session ended before the command did.'
      : result.stderr;
  const command = { ...error.command, origin: isNever ? 'engine' : 'guest' } as const;
  const { cause, issues } = error;
  return new CommandError(command, error.failure, { ...result, exitCode, stderr }, { cause, issues });
}
