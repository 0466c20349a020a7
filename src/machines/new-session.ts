import { CommandError } from '../system/command-error.ts';
import type { Clock } from '../system/system.ts';
import { retry } from '../system/retry.ts';
import { isLostSession } from './lost-session.ts';
import type { Machine } from './machine.ts';

/** A machine that restarts is back within these; one that was stopped is started by the next session. */
const PAUSES = [5_000, 15_000];

/** The machine, but what is put goes on in a new session when one broke off: putting again what is there does no harm. */
export function withSessionRetry(machine: Machine, clock: Clock): Machine {
  return {
    ...machine,
    put: (files, script, options = {}) =>
      retry(() => machine.put(files, script, options), {
        clock,
        delays: PAUSES,
        signal: options.signal,
        shouldRetry: (thrown) => thrown instanceof CommandError && isLostSession(thrown),
        onRetry: () => options.say?.('that session broke off; once more in a new one'),
      }),
  };
}
