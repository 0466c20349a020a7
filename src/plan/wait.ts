import { CliError } from '../errors/cli-error.ts';
import type { Clock } from '../system/doors.ts';
import { createPatience, type Patience } from '../system/patience.ts';
import { interrupted, isInterrupt } from './interrupt.ts';
import type { Say } from './step.ts';
import { duration, sentence } from './words.ts';

/** One look: it is so, with what was found, or it is not so yet, and why. */
export type Look<T> = { readonly done: T } | { readonly notYet: string };

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
  /** Looks once. What it throws ends the wait. */
  readonly probe: (signal: AbortSignal | undefined) => Promise<Look<T>>;
}

/** How much longer each pause is than the one before it, and the most it becomes, as multiples of the interval. */
const GROWTH = 1.25;
const LONGEST = 3;

/**
 * Looks until it is so. The last look is made at the deadline itself.
 * @throws CliError `gave-up-waiting` with the last reason; `interrupted` as soon as the signal is aborted.
 */
export async function waitUntil<T>(wait: Wait<T>): Promise<T> {
  const { clock, signal, what, deadlineMs, intervalMs, hint, say, probe } = wait;
  const patience = createPatience(clock, deadlineMs);
  let pause = intervalMs;
  let lastSaid: string | undefined;
  for (;;) {
    if (signal?.aborted === true) throw interrupted(`stopped waiting for ${what}`);
    const look = await probe(signal);
    if ('done' in look) return look.done;
    const left = patience.left();
    if (left === 0) {
      throw new CliError('gave-up-waiting', {
        message: sentence(`Gave up waiting for ${what} after ${duration(patience.spent())}: ${look.notYet}`),
        hint,
      });
    }
    // The same reason again is no news.
    if (look.notYet !== lastSaid) say(`waiting for ${what}: ${look.notYet}`);
    lastSaid = look.notYet;
    const slept = await pauseOrStop(patience, Math.min(pause, left), signal, `stopped waiting for ${what}`);
    if (slept > 0) say(`the computer slept for ${duration(slept)}; waiting for ${what}`);
    pause = Math.min(pause * GROWTH, intervalMs * LONGEST);
  }
}

/** Pauses; an abort becomes our own `interrupted`. */
async function pauseOrStop(
  patience: Patience,
  ms: number,
  signal: AbortSignal | undefined,
  what: string,
): Promise<number> {
  try {
    return await patience.pause(ms, signal);
  } catch (error) {
    if (signal !== undefined && (error === signal.reason || isInterrupt(error, signal))) throw interrupted(what);
    throw error;
  }
}
