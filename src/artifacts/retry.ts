import { CliError } from '../errors/cli-error.ts';
import type { Clock } from '../system/doors.ts';

/** Milliseconds before the second and the third try. */
const PAUSES = [2_000, 6_000] as const;

export interface RetryOptions {
  readonly clock: Clock;
  readonly say: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Tries up to three times, as long as it is the network that fails. A wrong digest or an absent file is no weather:
 * these are thrown at once. The pauses are the Clock's, so that virtual time knows them.
 */
export async function withRetries<T>(what: string, options: RetryOptions, attempt: () => Promise<T>): Promise<T> {
  for (const pause of PAUSES) {
    try {
      return await attempt();
    } catch (error) {
      const passing = error instanceof CliError && error.reason === 'download-failed';
      if (!passing || options.signal?.aborted === true) throw error;
      options.say(`${what}: ${error.message} Trying again in ${pause / 1000} s.`);
      await options.clock.sleep(pause, options.signal);
    }
  }
  return attempt();
}
