import type { CliError } from '../errors/cli-error.ts';
import type { Phase } from './plan.ts';
import type { Finding } from './step.ts';

/**
 * The result of a step. `ready`: it was already ready (or, when removing, nothing was there). `interrupted`: it was
 * stopped, or its work is done but was not checked again. `not-started`: nothing was changed.
 */
export type Outcome = 'ready' | 'changed' | 'failed' | 'interrupted' | 'not-started';

/** Times are milliseconds since 1970, on the clock of the run. */
export interface StepReport {
  readonly id: string;
  readonly title: string;
  readonly direction: Phase['direction'];
  readonly outcome: Outcome;
  /** Steps of the same phase that had to finish before it. */
  readonly after: readonly string[];
  /** When all of those had finished. */
  readonly queuedAt?: number;
  /** When its first check started. */
  readonly startedAt?: number;
  /** When its work started: after the check, and after it acquired its limited resource. */
  readonly workedAt?: number;
  readonly endedAt?: number;
  /** How long it waited for a limited resource, and the step that released it. */
  readonly waitedMs: number;
  readonly turnFrom?: string;
  /** What was removed, when that is less than the title says. */
  readonly removed?: string;
  /** The result of the last check. */
  readonly finding?: Finding;
  readonly error?: CliError;
}

export interface RunReport {
  readonly kind: 'apply' | 'delete' | 'recreate';
  /** In the order of the plan; with `recreate` a step may appear twice, once for each direction. */
  readonly steps: readonly StepReport[];
  readonly startedAt: number;
  readonly endedAt: number;
  readonly makespanMs: number;
  /**
   * IDs of the chain that determined when the run ended, first to last; a wait for a resource links to the step that
   * held it.
   */
  readonly criticalPath: readonly string[];
  /** The longest chain of dependent steps, by their actual durations without waits for a resource. */
  readonly criticalPathMs: number;
  /** How many steps changed something. */
  readonly changed: number;
  /** The error of the run; absent on success. */
  readonly error?: CliError;
}

/** The chain of steps that determined the end of a phase: from the last step back to what each one waited for. */
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

/**
 * Duration of the longest chain of dependent steps, in milliseconds: no schedule can be shorter, even without limits.
 */
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

/** The duration of a step in milliseconds: checks and work, without the wait for a resource. */
function workMs(report: StepReport): number {
  if (report.endedAt === undefined || report.startedAt === undefined) return 0;
  return report.endedAt - report.startedAt - report.waitedMs;
}

/** The step that ended last, among those that ran. */
function latest(reports: readonly StepReport[]): StepReport | undefined {
  return reports
    .filter(({ endedAt }) => endedAt !== undefined)
    .reduce<StepReport | undefined>(
      (last, report) => (last && (last.endedAt ?? 0) >= (report.endedAt ?? 0) ? last : report),
      undefined,
    );
}
