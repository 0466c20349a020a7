import { setTimeout as sleep } from 'node:timers/promises';
import type { VirtualClock } from '../../src/rehearsal/clock.ts';

/**
 * How much faster the simulated time passes than the real one. The CLI waits one or two real seconds between two polls; in
 * the simulated world a minute or two pass meanwhile, so that the second poll usually succeeds.
 */
const FACTOR = 60;
const TICK_MS = 4;

/** Advances the simulated clock `factor` times as fast as real time, until the returned function is called. */
export function pace(clock: VirtualClock, factor = FACTOR): () => Promise<void> {
  const stop = new AbortController();
  const running = (async () => {
    let last = performance.now();
    while (!stop.signal.aborted) {
      await sleep(TICK_MS);
      const now = performance.now();
      await clock.advance((now - last) * factor);
      last = now;
    }
  })();
  return async () => {
    stop.abort();
    await running;
  };
}
