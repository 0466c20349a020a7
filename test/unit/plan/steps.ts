import type { Clock } from '../../../src/system/system.ts';
import type { Finding, Step, StepContext } from '../../../src/plan/step.ts';

/** A little world of things that are there or not, and the steps that make them. */
export interface Bench {
  readonly there: Set<string>;
  /** `check a`, `apply a`, `apply a over`, ... in the order in which they happened. */
  readonly diary: string[];
  readonly step: (id: string, needs?: readonly string[], options?: StepOptions) => Step;
}

export interface StepOptions {
  readonly ms?: number;
  readonly checkMs?: number;
  readonly uses?: string;
  readonly fails?: Error;
  readonly noEffect?: boolean;
  readonly noRemove?: boolean;
  readonly finding?: Finding;
  readonly command?: string;
  /** Whether its work ends at once when the signal is aborted. */
  readonly stoppable?: boolean;
}

export function createBench(clock: Clock): Bench {
  const there = new Set<string>();
  const diary: string[] = [];
  return {
    there,
    diary,
    step: (id, needs = [], options = {}) => {
      const { ms = 1000, checkMs = 0 } = options;
      const work = async (what: string, { signal, say }: StepContext): Promise<void> => {
        diary.push(`${what} ${id}`);
        say(`${what} ${id} now`);
        await clock.sleep(ms, options.stoppable === true ? signal : undefined);
        if (options.fails) throw options.fails;
        diary.push(`${what} ${id} over`);
      };
      const step: Step = {
        id,
        title: `Thing ${id}`,
        needs,
        command: options.command ?? id,
        tools: [],
        expectMs: ms,
        ...(options.uses === undefined ? {} : { uses: options.uses }),
        check: async () => {
          diary.push(`check ${id}`);
          if (checkMs > 0) await clock.sleep(checkMs);
          return options.finding ?? (there.has(id) ? 'ready' : { missing: `no ${id}` });
        },
        apply: async (context) => {
          await work('apply', context);
          if (options.noEffect !== true) there.add(id);
        },
      };
      if (options.noRemove === true) return step;
      return {
        ...step,
        remove: async (context) => {
          await work('remove', context);
          return there.delete(id) ? 'removed' : 'absent';
        },
      };
    },
  };
}
