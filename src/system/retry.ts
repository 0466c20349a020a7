import type { Clock } from './system.ts';

export interface RetryOptions {
  readonly clock: Clock;
  /** Milliseconds before the second, third, … try; as many more tries as there are pauses. */
  readonly delays: readonly number[];
  readonly signal?: AbortSignal | undefined;
  /** Whether trying again may help. */
  readonly shouldRetry: (thrown: unknown) => boolean;
  /** Hears of each failure that is tried again, and after how many milliseconds. */
  readonly onRetry?: (thrown: unknown, pauseMs: number) => void;
}

/**
 * Tries again while it may help; the last failure is the one that is told. The pauses are the Clock's, so that virtual
 * time knows them (p-retry has real timers).
 */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (const pause of options.delays) {
    try {
      return await work();
    } catch (thrown) {
      if (!options.shouldRetry(thrown) || options.signal?.aborted === true) throw thrown;
      options.onRetry?.(thrown, pause);
      await options.clock.sleep(pause, options.signal);
    }
  }
  return work();
}
