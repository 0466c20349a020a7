import { CommandError } from '../system/command-error.ts';
import { explain } from '../system/explain.ts';

/** Hears of what is tried again. */
export type Say = (text: string) => void;

/** Options of a command that runs for a step or a check; the context of a step has them. */
export interface Context {
  /** Hears of what is tried again. */
  readonly say?: Say;
  /** Ends the command, and the pauses between tries. */
  readonly signal?: AbortSignal;
}

/** For `retry`: tells what went wrong for the moment, and when it is tried again. */
export function repeatMessage(say: Say | undefined): (thrown: unknown, pauseMs: number) => void {
  return (thrown, pauseMs) => {
    if (thrown instanceof CommandError) say?.(`${explain(thrown).message} Trying again in ${pauseMs / 1000}s.`);
  };
}
