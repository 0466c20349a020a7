import type { Clock } from './system.ts';

export interface RetryOptions {
  readonly clock: Clock;
  /** Milliseconds before the second, third, … attempt; there are as many retries as delays. */
  readonly delays: readonly number[];
  readonly signal?: AbortSignal | undefined;
  /** Whether a retry may help. */
  readonly shouldRetry: (thrown: unknown) => boolean;
  /** Called for each failure that is retried, with the delay in milliseconds. */
  readonly onRetry?: (thrown: unknown, pauseMs: number) => void;
}

/**
 * Retries while it may help; throws the last failure. The delays use the Clock, so that they work in virtual time
 * (p-retry uses real timers).
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
