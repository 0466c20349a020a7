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
