import { CommandError } from '../system/command-error.ts';
import type { Context } from '../system/system.ts';
import { explain } from '../system/explain.ts';

/** For `retry`: reports the temporary failure, and when the next attempt is. */
export function repeatMessage(say: Context['say']): (thrown: unknown, pauseMs: number) => void {
  return (thrown, pauseMs) => {
    if (thrown instanceof CommandError) say(`${explain(thrown).message} Trying again in ${pauseMs / 1000}s.`);
  };
}
