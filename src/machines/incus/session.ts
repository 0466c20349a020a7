import { CommandError } from '../../system/command-error.ts';
import type { CommandResult } from '../../system/system.ts';
import { SESSION_LOST_EXIT } from '../session.ts';

/** The byte around all that a command writes on a machine: before it on stderr, behind it on both (`argv.ts`). */
const MARK = '\u001e';

/** A time limit, a machine that was stopped, one that restarted: nobody was there to make the last marks. */
const ENDED_FROM_OUTSIDE = new Set([124, 137, 143]);

/** Whether the failure is that of Incus, which has no exit code of its own (docs/facts/incus.md 2.2). */
export function neverStarted({ failure, result }: CommandError): boolean {
  const { exitCode, stdout, stderr } = result;
  const marked = stderr.includes(MARK) || stdout.endsWith(MARK);
  return failure === 'exit' && !marked && (exitCode === 1 || exitCode === 255) && /^Error: /m.test(stderr);
}

/**
 * Whether all came here that the command wrote. A busy Incus 6.0 loses the last words of a command now and then (of 3,000
 * short ones, eight at once on two cores, those of one in ten), and its exit code does not tell.
 */
export function isWhole({ stdout, stderr }: CommandResult): boolean {
  return stdout.endsWith(MARK) && stderr.indexOf(MARK) < stderr.lastIndexOf(MARK);
}

/** Whether the command ended by itself, and what it wrote is not all here. */
export function isCut(error: CommandError): boolean {
  const { failure, result } = error;
  if (failure !== 'exit' || ENDED_FROM_OUTSIDE.has(result.exitCode)) return false;
  return !isWhole(result) && !neverStarted(error);
}

/** What the command itself wrote. Before and behind it stand words of the image's shell and of the client. */
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

/** The failure as the command itself would have it: its own words, and an exit code that no client's is taken for. */
export function asInner(error: CommandError): CommandError {
  const result = withoutMarks(error.result);
  // A 0 whose words are lost: nobody knows what it said. What may be done twice is done again.
  const unheard = isCut(error) && result.exitCode === 0;
  const exitCode = unheard || neverStarted(error) ? SESSION_LOST_EXIT : result.exitCode;
  const stderr = unheard ? 'The command ended well, but Incus lost what it wrote.' : result.stderr;
  const command = { ...error.command, origin: neverStarted(error) ? 'engine' : 'guest' } as const;
  const { cause, issues } = error;
  return new CommandError(command, error.failure, { ...result, exitCode, stderr }, { cause, issues });
}
