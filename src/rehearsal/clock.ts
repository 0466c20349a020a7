import type { Clock } from '../system/system.ts';

/** A simulated clock: when all work is waiting, time jumps to the next timer. */
export interface VirtualClock extends Clock {
  /** Runs `act` once the clock has reached now + ms. */
  after(ms: number, act: () => void): void;
  /**
   * Simulates a sleeping computer: the time of day jumps ahead, but no timer fires and each keeps its remaining time.
   */
  leap(ms: number): void;
  /** Moves time forward and runs everything that comes due, in order. */
  advance(ms: number): Promise<void>;
  /** Drives time until `work` settles: jumps to the next timer whenever nothing else can run. */
  drive<T>(work: Promise<T>): Promise<T>;
}

interface Timer {
  at: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Event loop turns without a new timer before time may jump, so that streams and promise chains can finish. */
const IDLE_TURNS = 3;

/** Creates a clock set to `start` (milliseconds since 1970). */
export function createVirtualClock(start: number): VirtualClock {
  let now = start;
  let order = 0;
  const timers: Timer[] = [];

  const add = (ms: number, fire: () => void): Timer => {
    const timer = { at: now + Math.max(0, ms), order: order++, fire };
    // Insert behind all timers that are due earlier or were set earlier for the same moment.
    let index = timers.length;
    while (index > 0 && (timers[index - 1] as Timer).at > timer.at) index--;
    timers.splice(index, 0, timer);
    return timer;
  };

  const fireNext = (): boolean => {
    const timer = timers.shift();
    if (timer === undefined) return false;
    now = Math.max(now, timer.at);
    timer.fire();
    return true;
  };

  const quiet = async (): Promise<void> => {
    for (let seen = order, turns = 0; turns < IDLE_TURNS; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (order !== seen) {
        seen = order;
        turns = 0;
      }
    }
  };

  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason as Error);
          return;
        }
        const abort = (): void => {
          const index = timers.indexOf(timer);
          if (index >= 0) timers.splice(index, 1);
          reject(signal?.reason as Error);
        };
        const timer = add(ms, () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        });
        signal?.addEventListener('abort', abort, { once: true });
      }),
    after: (ms, act) => void add(ms, act),
    leap: (ms) => {
      now += ms;
      for (const timer of timers) timer.at += ms;
    },
    advance: async (ms) => {
      const until = now + ms;
      await quiet();
      while (timers[0] !== undefined && timers[0].at <= until) {
        fireNext();
        await quiet();
      }
      now = Math.max(now, until);
    },
    drive: async (work) => {
      let settled = false;
      const done = work.then(
        () => (settled = true),
        () => (settled = true),
      );
      const isSettled = (): boolean => settled;
      while (!isSettled()) {
        await quiet();
        if (isSettled()) break;
        if (!fireNext()) {
          // Nothing is due, so only real work can make progress now.
          await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 1))]);
        }
      }
      return work;
    },
  };
}
