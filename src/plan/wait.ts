import { CliError } from '../errors/cli-error.ts';
import type { Clock } from '../system/system.ts';
import { createDeadline, type Deadline } from '../system/deadline.ts';
import { interrupted, isInterrupt } from './interrupt.ts';
import type { Say } from './step.ts';
import { duration, sentence } from './text.ts';

/**
 * The result of one probe: ready, with the value; pending, with the reason; or failed, when waiting longer cannot help.
 * A failure ends the wait at once.
 */
export type ProbeResult<T> = { readonly ready: T } | NotReady;
export type NotReady = { readonly pending: string } | { readonly failed: CliError };

export interface Wait<T> {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** What is waited for, phrased to follow "Waiting for": `the nodes to be Ready`. */
  readonly what: string;
  /** Milliseconds after which the wait times out. */
  readonly deadlineMs: number;
  /** Milliseconds before the second probe; the pauses then grow up to three times that. */
  readonly intervalMs: number;
  /** One thing to try after a timeout. */
  readonly hint: string;
  readonly say: Say;
  /**
   * Blocks until something may have changed, for at most `ms` milliseconds, instead of a pause: one blocking command
   * costs less than many probes. Returns false when it cannot tell; then the rest of the pause is slept.
   */
  readonly block?: (ms: number) => Promise<boolean>;
  /** The operation was just started and cannot be done yet: block before the first probe. */
  readonly blockFirst?: true;
  /** Probes once. An exception ends the wait, as `failed` does. */
  readonly probe: () => Promise<ProbeResult<T>>;
}

/** How much each pause grows, and its maximum as a multiple of the interval. */
const GROWTH_FACTOR = 1.25;
const MAX_FACTOR = 3;
/** How much longer to block than to pause, as a multiple: a blocking command reports a change at once. */
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
  // A command that has just reported a change by mistake would report it again at once, so don't block twice in a row.
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
      // Report a reason only when it changes.
      if (probed.pending !== lastSaid) say(`waiting for ${what}: ${probed.pending}`);
      lastSaid = probed.pending;
    }
    hasBlocked = await untilNextProbe(wait, deadline, pause, !hasBlocked);
    pause = Math.min(pause * GROWTH_FACTOR, intervalMs * MAX_FACTOR);
  }
}

/**
 * Blocks or pauses, and reports if the computer slept meanwhile. Returns whether the blocking command reported a
 * change.
 */
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

/** Pauses; an abort becomes a CliError `interrupted`. */
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
