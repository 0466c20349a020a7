import type { CliError } from '../errors/cli-error.ts';
import type { Phase } from './plan.ts';
import type { Finding } from './step.ts';

/**
 * How it went with one step. `ready`: it was so already (or, when removing, nothing was there). `interrupted`: it was
 * cut short, or its work is done and was not looked at again. `not-started`: nothing was changed.
 */
export type Outcome = 'ready' | 'changed' | 'failed' | 'interrupted' | 'not-started';

/** Times are milliseconds since 1970, on the clock of the run. */
export interface StepReport {
  readonly id: string;
  readonly title: string;
  readonly direction: Phase['direction'];
  readonly outcome: Outcome;
  /** Steps of the same phase that it came after. */
  readonly after: readonly string[];
  /** When all of those were over. */
  readonly queuedAt?: number;
  /** When its first look began. */
  readonly startedAt?: number;
  /** When its work began: after the look, and after it got its turn at a bounded resource. */
  readonly workedAt?: number;
  readonly endedAt?: number;
  /** How long it waited for a bounded resource, and the step that gave it up. */
  readonly waitedMs: number;
  readonly turnFrom?: string;
  /** What was removed, where that is less than the title promises. */
  readonly removed?: string;
  /** The last thing that a check found. */
  readonly finding?: Finding;
  readonly error?: CliError;
}

export interface RunReport {
  readonly kind: 'apply' | 'delete' | 'recreate';
  /** In the order of the plan; with `recreate` a step may be there twice, once for each direction. */
  readonly steps: readonly StepReport[];
  readonly startedAt: number;
  readonly endedAt: number;
  readonly makespanMs: number;
  /** Ids of the chain that decided when the run ended, first to last; waits for a resource lead to whoever held it. */
  readonly criticalPath: readonly string[];
  /** The longest chain of steps that need each other, by what they really took without waiting for a resource. */
  readonly criticalPathMs: number;
  /** How many steps did change something. */
  readonly changed: number;
  /** What went wrong; absent when everything went well. */
  readonly error?: CliError;
}

/** The chain of steps behind the end of a phase: from the last one back to whatever let each of them begin. */
export function criticalChain(reports: readonly StepReport[]): readonly string[] {
  const byId = new Map(reports.map((report) => [report.id, report]));
  const chain: string[] = [];
  let current = latest(reports);
  while (current !== undefined && !chain.includes(current.id)) {
    chain.unshift(current.id);
    const holder = current.turnFrom === undefined ? undefined : byId.get(current.turnFrom);
    current = holder ?? latest(current.after.flatMap((id) => byId.get(id) ?? []));
  }
  return chain;
}

/** Milliseconds of the longest chain by needs alone: no schedule can be shorter, however many things run at once. */
export function longestChainMs(reports: readonly StepReport[]): number {
  const byId = new Map(reports.map((report) => [report.id, report]));
  const ends = new Map<string, number>();
  const endOf = (id: string): number => {
    const known = ends.get(id);
    if (known !== undefined) return known;
    const report = byId.get(id);
    const end = report === undefined ? 0 : Math.max(0, ...report.after.map(endOf)) + workMs(report);
    ends.set(id, end);
    return end;
  };
  return Math.max(0, ...reports.map(({ id }) => endOf(id)));
}

/** What a step really took, in milliseconds: looks and work, without its wait for a resource. */
function workMs(report: StepReport): number {
  if (report.endedAt === undefined || report.startedAt === undefined) return 0;
  return report.endedAt - report.startedAt - report.waitedMs;
}

/** Of those that ran, the one that ended last. */
function latest(reports: readonly StepReport[]): StepReport | undefined {
  return reports
    .filter(({ endedAt }) => endedAt !== undefined)
    .reduce<StepReport | undefined>(
      (last, report) => (last && (last.endedAt ?? 0) >= (report.endedAt ?? 0) ? last : report),
      undefined,
    );
}
