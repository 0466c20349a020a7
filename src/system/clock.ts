import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from './system.ts';

/** Real time. */
export function createClock(): Clock {
  return {
    now: () => Date.now(),
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      try {
        await wait(ms, undefined, signal === undefined ? {} : { signal });
      } catch (thrown) {
        // Node rejects with its own error; the interface promises the signal's reason.
        signal?.throwIfAborted();
        throw thrown;
      }
    },
  };
}
