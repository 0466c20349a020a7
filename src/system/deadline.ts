import type { Clock } from './system.ts';

/** What took this much longer (milliseconds) than it should means that the computer slept. */
const SLEPT_MS = 30_000;
/** No look takes longer (milliseconds): its commands have time limits of their own. */
const LONGEST_LOOK_MS = 60_000;

export interface Deadline {
  /** Milliseconds so far in which the computer was awake. */
  spent(): number;
  /** Milliseconds that are left; none when it is over. */
  left(): number;
  /** After something that takes at most `ms`: milliseconds that the computer slept meanwhile; 0 when it did not. */
  woke(ms: number): number;
  /** Pauses between two looks. Gives the milliseconds that the computer slept meanwhile; 0 when it did not. */
  pause(ms: number, signal?: AbortSignal): Promise<number>;
}

/**
 * How long others are given to do something: `ms` milliseconds of a computer that is awake. Nobody works while the lid is
 * closed, so a sleep counts neither in a pause nor in a look.
 */
export function createDeadline(clock: Clock, ms: number): Deadline {
  let from = clock.now();
  let awakeAt = from;
  /** Leaves out a sleep in the time since the last call, which should have been `atMost` milliseconds. */
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
