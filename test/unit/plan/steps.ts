import type { Clock } from '../../../src/system/system.ts';
import type { Finding, Step, StepContext } from '../../../src/plan/step.ts';

/** Steps for tests, and the set of resources that they create and delete. */
export interface TestSteps {
  readonly existing: Set<string>;
  /** `check a`, `apply a`, `apply a over`, ... in order. */
  readonly log: string[];
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
  /** Whether apply and remove end at once when the signal is aborted. */
  readonly stoppable?: boolean;
}

export function createTestSteps(clock: Clock): TestSteps {
  const existing = new Set<string>();
  const log: string[] = [];
  return {
    existing,
    log,
    step: (id, needs = [], options = {}) => {
      const { ms = 1000, checkMs = 0 } = options;
      const work = async (what: string, { signal, say }: StepContext): Promise<void> => {
        log.push(`${what} ${id}`);
        say(`${what} ${id} now`);
        await clock.sleep(ms, options.stoppable === true ? signal : undefined);
        if (options.fails) throw options.fails;
        log.push(`${what} ${id} over`);
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
          log.push(`check ${id}`);
          if (checkMs > 0) await clock.sleep(checkMs);
          return options.finding ?? (existing.has(id) ? 'ready' : { missing: `no ${id}` });
        },
        apply: async (context) => {
          await work('apply', context);
          if (options.noEffect !== true) existing.add(id);
        },
      };
      if (options.noRemove === true) return step;
      return {
        ...step,
        remove: async (context) => {
          await work('remove', context);
          return existing.delete(id) ? 'removed' : 'absent';
        },
      };
    },
  };
}
