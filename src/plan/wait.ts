import { CliError } from '../errors/cli-error.ts';
import type { Clock } from '../system/system.ts';
import { createDeadline, type Deadline } from '../system/deadline.ts';
import { interrupted, isInterrupt } from './interrupt.ts';
import type { Say } from './step.ts';
import { duration, sentence } from './text.ts';

/**
 * What one probe found: ready, with the result; pending, and why; or failed, when waiting longer cannot help. A failure ends
 * the wait at once.
 */
export type ProbeResult<T> = { readonly ready: T } | NotReady;
export type NotReady = { readonly pending: string } | { readonly failed: CliError };

export interface Wait<T> {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** What is waited for, as it stands after "Waiting for": `the nodes to be Ready`. */
  readonly what: string;
  /** Milliseconds after which it is given up. */
  readonly deadlineMs: number;
  /** Milliseconds before the second look; later ones come more slowly, to three times as much. */
  readonly intervalMs: number;
  /** One thing to try when it does not come. */
  readonly hint: string;
  readonly say: Say;
  /**
   * Blocks until something may have changed, at most so many milliseconds, in place of a pause: a command that waits costs
   * less than many that look. False when it cannot know; then the rest of the pause is slept.
   */
  readonly block?: (ms: number) => Promise<boolean>;
  /** The operation was just started and cannot be done yet: block before the first look. */
  readonly blockFirst?: true;
  /** Looks once. What it throws ends the wait, as `failed` does. */
  readonly probe: () => Promise<ProbeResult<T>>;
}

/** How much longer each pause is than the one before it, and the most it becomes, as multiples of the interval. */
const GROWTH_FACTOR = 1.25;
const MAX_FACTOR = 3;
/** How much longer than a pause is blocked, as a multiple: who blocks hears of the change at once. */
const BLOCK_FACTOR = 5;

/**
 * Probes until it is ready. The last probe is made at the deadline itself.
 * @throws CliError the probe's own failure; `timed-out` with the last reason; `interrupted` as soon as the signal is
 * aborted.
 */
export async function waitUntil<T>(wait: Wait<T>): Promise<T> {
  const { clock, signal, what, deadlineMs, intervalMs, hint, say, probe, blockFirst = false } = wait;
  const deadline = createDeadline(clock, deadlineMs);
  let pause = intervalMs;
  let lastSaid: string | undefined;
  // A command that has just reported a change, wrongly, would report it again at once.
  let hasBlocked = false;
  for (let probes = blockFirst ? 0 : 1; ; probes++) {
    if (signal?.aborted === true) throw interrupted(`stopped waiting for ${what}`);
    if (probes === 0) {
      say(`waiting for ${what}`);
    } else {
      const probed = await probe();
      if ('ready' in probed) return probed.ready;
      if ('failed' in probed) throw probed.failed;
      if (deadline.left() === 0) {
        throw new CliError('timed-out', {
          message: sentence(`Timed out waiting for ${what} after ${duration(deadline.spent())}: ${probed.pending}`),
          hint,
        });
      }
      // The same reason again is no news.
      if (probed.pending !== lastSaid) say(`waiting for ${what}: ${probed.pending}`);
      lastSaid = probed.pending;
    }
    hasBlocked = await untilNextProbe(wait, deadline, pause, !hasBlocked);
    pause = Math.min(pause * GROWTH_FACTOR, intervalMs * MAX_FACTOR);
  }
}

/** Blocks or pauses, and says when the computer slept meanwhile. Whether a command blocked until something changed. */
async function untilNextProbe(
  wait: Wait<unknown>,
  deadline: Deadline,
  pauseMs: number,
  mayBlock: boolean,
): Promise<boolean> {
  const { clock, signal, what, say } = wait;
  const stopped = `stopped waiting for ${what}`;
  const from = clock.now();
  const left = deadline.left();
  const longest = Math.min(pauseMs * BLOCK_FACTOR, left);
  const changed = mayBlock && (await blockOrStop(wait, longest, stopped));
  const sleptBlocked = deadline.woke(longest);
  const rest = changed ? 0 : Math.max(0, Math.min(pauseMs, left) - (clock.now() - from));
  const slept = sleptBlocked + (rest === 0 ? 0 : await pauseOrStop(deadline, rest, signal, stopped));
  if (slept > 0) say(`the computer slept for ${duration(slept)}; waiting for ${what}`);
  return changed;
}

async function blockOrStop({ block, signal }: Wait<unknown>, ms: number, what: string): Promise<boolean> {
  if (block === undefined) return false;
  try {
    return await block(ms);
  } catch (error) {
    if (signal !== undefined && (error === signal.reason || isInterrupt(error, signal))) throw interrupted(what);
    throw error;
  }
}

/** Pauses; an abort becomes our own `interrupted`. */
async function pauseOrStop(
  deadline: Deadline,
  ms: number,
  signal: AbortSignal | undefined,
  what: string,
): Promise<number> {
  try {
    return await deadline.pause(ms, signal);
  } catch (error) {
    if (signal !== undefined && (error === signal.reason || isInterrupt(error, signal))) throw interrupted(what);
    throw error;
  }
}
