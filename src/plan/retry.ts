import type { Clock } from '../system/doors.ts';
import { interrupted } from './interrupt.ts';
import type { Say } from './step.ts';
import { sleepOrStop } from './wait.ts';
import { duration, sentence } from './words.ts';

export interface Retry {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** How often it is tried in all. */
  readonly tries: number;
  /** Milliseconds before the second try; each later pause is twice as long, up to `LONGEST_PAUSE_MS`. */
  readonly firstDelayMs: number;
  readonly say: Say;
  /** Whether another try could help. */
  readonly retryable: (error: unknown) => boolean;
}

const LONGEST_PAUSE_MS = 30_000;

/**
 * Tries again, with growing pauses, what may fail for a moment. Home-made because p-retry sleeps on real timers, and
 * every second of ours passes on the Clock door (a rehearsal would really sit there and wait).
 * @throws what the last try threw, or CliError `interrupted`.
 */
export async function retrying<T>(retry: Retry, work: (attempt: number) => Promise<T>): Promise<T> {
  const { clock, signal, tries, firstDelayMs, say, retryable } = retry;
  for (let attempt = 1; ; attempt++) {
    if (signal?.aborted === true) throw interrupted('stopped before trying again');
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt >= tries || !retryable(error)) throw error;
      const pause = Math.min(firstDelayMs * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
      const reason = error instanceof Error ? error.message : String(error);
      say(`${sentence(reason)} Trying again in ${duration(pause)} (try ${attempt + 1} of ${tries})`);
      await sleepOrStop(clock, pause, signal, 'stopped before trying again');
    }
  }
}
