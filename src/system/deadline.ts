import type { Clock } from './system.ts';

/** An operation that takes this much longer than expected (milliseconds) means that the computer slept. */
const SLEPT_MS = 30_000;
/** No probe takes longer (milliseconds): its commands have their own time limits. */
const LONGEST_LOOK_MS = 60_000;

export interface Deadline {
  /** Elapsed milliseconds in which the computer was awake. */
  spent(): number;
  /** Remaining milliseconds; 0 after the deadline. */
  left(): number;
  /** After an operation of at most `ms`: milliseconds that the computer slept meanwhile; 0 if it did not. */
  woke(ms: number): number;
  /** Pauses between two probes. Returns the milliseconds that the computer slept meanwhile; 0 if it did not. */
  pause(ms: number, signal?: AbortSignal): Promise<number>;
}

/**
 * A deadline after `ms` milliseconds in which the computer is awake. A computer that sleeps makes no progress, so the
 * sleep counts neither in a pause nor in a probe.
 */
export function createDeadline(clock: Clock, ms: number): Deadline {
  let from = clock.now();
  let awakeAt = from;
  /** Excludes a sleep since the last call; without one, at most `atMost` milliseconds should have passed. */
  const wake = (atMost: number): number => {
    const now = clock.now();
    const over = now - awakeAt - atMost;
    const slept = over > SLEPT_MS ? over : 0;
    from += slept;
    awakeAt = now;
    return slept;
  };
  const spent = (): number => {
    wake(LONGEST_LOOK_MS);
    return awakeAt - from;
  };
  return {
    spent,
    left: () => Math.max(0, ms - spent()),
    woke: wake,
    pause: async (pause, signal) => {
      wake(LONGEST_LOOK_MS);
      await clock.sleep(pause, signal);
      return wake(pause);
    },
  };
}
