import { CommandError } from '../../system/command-error.ts';
import type { CommandResult } from '../../system/system.ts';
import { SESSION_LOST_EXIT } from '../session.ts';

/** The byte that marks the output of a command on a machine: before it on stderr, after it on both (`argv.ts`). */
const MARK = '\u001e';

/**
 * Exit codes after a time limit, or when the machine was stopped or restarted: then the last marks were not written.
 */
const ENDED_FROM_OUTSIDE = new Set([124, 137, 143]);

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
  // Exit code 0 with incomplete output: the result is not known, so it counts as a lost session, which is retried where
  // that is safe.
  const unheard = isCut(error) && result.exitCode === 0;
  const exitCode = unheard || neverStarted(error) ? SESSION_LOST_EXIT : result.exitCode;
  const stderr = unheard ? 'The command ended well, but Incus lost what it wrote.' : result.stderr;
  const command = { ...error.command, origin: neverStarted(error) ? 'engine' : 'guest' } as const;
  const { cause, issues } = error;
  return new CommandError(command, error.failure, { ...result, exitCode, stderr }, { cause, issues });
}
