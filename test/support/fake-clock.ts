import type { Clock } from '../../src/system/system.ts';

/** Time that passes only while someone sleeps, and then at once. For code that waits alone. */
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
