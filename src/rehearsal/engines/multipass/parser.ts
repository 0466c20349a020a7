import type { ProgramResult, World } from '../../world.ts';

/** Milliseconds of a `--timeout`, undefined without one. */
export function timeLimit(seconds: string | undefined): number | undefined | 'invalid' {
  if (seconds === undefined) return undefined;
  return /^[1-9]\d*$/.test(seconds) ? Number(seconds) * 1000 : 'invalid';
}

/** The client exits when its timeout is over; the daemon's work continues (docs/facts/multipass.md 3.3). */
export async function expiring(
  world: World,
  limit: number | undefined,
  work: Promise<ProgramResult>,
  expired: ProgramResult,
): Promise<ProgramResult> {
  if (limit === undefined) return work;
  const over = new AbortController();
  const timer = world.clock.sleep(limit, over.signal).then(
    () => expired,
    () => expired,
  );
  const result = await Promise.race([work, timer]);
  over.abort('over');
  return result;
}
export { parseArgs, type CommandShape, type ParsedArgs } from '../arguments.ts';

/** A failure of the client itself: a bad command line. */
export function usage(text: string, refused?: string): ProgramResult {
  return { exitCode: 1, stderr: `${text}\n`, ...(refused === undefined ? {} : { refused }) };
}

/** A failure that the daemon reports. */
export function failure(command: string, ...lines: readonly string[]): ProgramResult {
  return { exitCode: 2, stderr: `${command} failed: ${lines.join('\n')}\n` };
}

/** The daemon's error for a selection of instances; none of them was changed. */
export function failures(command: string, items: readonly string[]): ProgramResult {
  return failure(command, 'The following errors occurred:', ...items);
}

/** The spinner's output on stdout, which is written even without a terminal (docs/facts/multipass.md 4). */
export function spinner(text: string): string {
  return `\x1b[2K\x1b[0A\x1b[0E${text}  |\b/\b-\b\\\b\x1b[2K\x1b[0A\x1b[0E`;
}
