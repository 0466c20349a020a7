import { setTimeout as sleep } from 'node:timers/promises';
import type { VirtualClock } from '../../src/rehearsal/clock.ts';

/**
 * How much faster the world's time runs than ours. The CLI really waits its one or two seconds between two looks; in the
 * world a minute or two has passed then, so that the second look is mostly the last.
 */
const FACTOR = 60;
const TICK_MS = 4;

/** Lets the world's time pass, `factor` times as fast as ours, until the returned function is called. */
export function pace(clock: VirtualClock, factor = FACTOR): () => Promise<void> {
  const life = new AbortController();
  const running = (async () => {
    let last = performance.now();
    while (!life.signal.aborted) {
      await sleep(TICK_MS);
      const now = performance.now();
      await clock.advance((now - last) * factor);
      last = now;
    }
  })();
  return async () => {
    life.abort();
    await running;
  };
}
