import type { CommandResult } from '../system/doors.ts';

/**
 * What the client writes to stdout before the output of a command when it had to start the machine first: a message
 * with a spinner, then a cleared line (facts/multipass.md 4). Anchored at the start and ended by a cleared line, so that
 * nothing of the command's own output is ever taken for it.
 */
const NOISE =
  /^(?:\u001b\[[0-9;]*[A-Za-z]|[\b\r]|(?<=[\b])[|/\\-]|(?:Starting|Waiting for|Restarting) [^\u001b\b\r\n]*)*\u001b\[2K(?:\u001b\[[0-9;]*[A-Za-z]|\r)*/;

/** The result without the client's own spinner in front of stdout. */
export function withoutNoise(result: CommandResult): CommandResult {
  const [noise] = NOISE.exec(result.stdout) ?? [];
  if (noise === undefined) return result;
  // The noise is ASCII: as many bytes as letters.
  return {
    ...result,
    stdout: result.stdout.slice(noise.length),
    stdoutBytes: result.stdoutBytes.subarray(noise.length),
  };
}
