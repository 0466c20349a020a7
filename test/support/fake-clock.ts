import type { Clock } from '../../src/system/system.ts';

/** A clock that advances only by sleeps, which return at once. For code in which only one task sleeps at a time. */
export function fakeClock(start = 0): Clock & { readonly slept: readonly number[] } {
  let now = start;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    sleep: (ms, signal) => {
      signal?.throwIfAborted();
      slept.push(ms);
      now += ms;
      return Promise.resolve();
    },
  };
}
