import type { StepReport } from '../../../src/plan/report.ts';

/** A step with its measured durations in milliseconds. */
export interface Task {
  readonly id: string;
  readonly after: readonly string[];
  /** The check before the step is applied. */
  readonly checkMs: number;
  /** The work while it holds one of the limited slots; all of its work when it needs no slot. */
  readonly slotMs: number;
  /** The work after the slot is released. */
  readonly restMs: number;
  readonly bounded: boolean;
}

/** The measured durations of the steps of a run. @param bounded which steps need a slot */
export function measured(reports: readonly StepReport[], bounded: (id: string) => boolean): readonly Task[] {
  return reports.map(({ id, after, startedAt = 0, workedAt, endedAt = 0, waitedMs }) => {
    if (workedAt === undefined) {
      return { id, after, checkMs: endedAt - startedAt, slotMs: 0, restMs: 0, bounded: false };
    }
    const checkMs = workedAt - waitedMs - startedAt;
    // The second check takes as long as the first and needs no slot.
    const restMs = bounded(id) ? Math.min(checkMs, endedAt - workedAt) : 0;
    return { id, after, checkMs, slotMs: endedAt - workedAt - restMs, restMs, bounded: bounded(id) };
  });
}

/**
 * The shortest makespan with this number of slots, by branch and bound over the orders in which tasks get a slot. Bounded
 * tasks have no dependencies, so that leaving a slot empty never helps.
 */
export function bestMakespan(tasks: readonly Task[], slots: number): number {
  const bounded = tasks.filter((task) => task.bounded);
  if (bounded.some(({ after }) => after.length > 0))
    throw new Error('a bounded task has dependencies, which this search does not support');
  const tails = tailsOf(tasks);
  const tail = ({ id, slotMs, checkMs }: Task): number => (tails.get(id) ?? 0) - checkMs - slotMs;
  let best = Infinity;

  const assign = (left: readonly Task[], free: readonly number[], starts: ReadonlyMap<string, number>): void => {
    if (left.length === 0) {
      best = Math.min(best, makespan(tasks, starts));
      return;
    }
    const at = Math.min(...free);
    if (lowerBound(left, free, starts) >= best) return;
    const tried = new Set<string>();
    for (const task of [...left].sort((a, b) => (tails.get(b.id) ?? 0) - (tails.get(a.id) ?? 0))) {
      // Tasks with the same durations and the same tail are equivalent.
      const kind = `${task.checkMs} ${task.slotMs} ${tail(task)}`;
      if (tried.has(kind)) continue;
      tried.add(kind);
      const start = Math.max(at, task.checkMs);
      const rest = [...free];
      rest[rest.indexOf(at)] = start + task.slotMs;
      assign(
        left.filter((each) => each !== task),
        rest,
        new Map([...starts, [task.id, start]]),
      );
    }
  };

  /** The longer of two bounds: the makespan if every remaining task started now, and the remaining work spread over all slots. */
  const lowerBound = (left: readonly Task[], free: readonly number[], starts: ReadonlyMap<string, number>): number => {
    const chains = makespan(
      tasks,
      new Map([
        ...left.map((task): [string, number] => [task.id, Math.max(Math.min(...free), task.checkMs)]),
        ...starts,
      ]),
    );
    const work = left.reduce((sum, { slotMs }) => sum + slotMs, 0);
    return Math.max(chains, earliestEnd(work, free) + Math.min(...left.map(tail)));
  };

  assign(bounded, new Array<number>(slots).fill(0), new Map());
  return best;
}

/** When all slots end if the work is spread evenly over them: no order ends sooner. */
function earliestEnd(work: number, free: readonly number[]): number {
  const ends = [...free].sort((a, b) => a - b);
  let total = work;
  for (const [index, end] of ends.entries()) {
    total += end;
    const common = total / (index + 1);
    if (common <= (ends[index + 1] ?? Infinity)) return common;
  }
  return work;
}

/** When all tasks have ended if the bounded ones get their slots at `starts`. */
function makespan(tasks: readonly Task[], starts: ReadonlyMap<string, number>): number {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const ends = new Map<string, number>();
  const endOf = (id: string): number => {
    const cached = ends.get(id);
    const task = byId.get(id);
    if (cached !== undefined || task === undefined) return cached ?? 0;
    const ready = Math.max(0, ...task.after.map(endOf)) + task.checkMs;
    const end = Math.max(ready, starts.get(id) ?? 0) + task.slotMs + task.restMs;
    ends.set(id, end);
    return end;
  };
  return Math.max(0, ...tasks.map(({ id }) => endOf(id)));
}

/** By task: the time from its start to the end of the longest chain of tasks that depend on it. */
function tailsOf(tasks: readonly Task[]): ReadonlyMap<string, number> {
  const tails = new Map<string, number>();
  const tailOf = (task: Task): number => {
    const cached = tails.get(task.id);
    if (cached !== undefined) return cached;
    const dependents = tasks.filter(({ after }) => after.includes(task.id)).map(tailOf);
    const ms = task.checkMs + task.slotMs + task.restMs + Math.max(0, ...dependents);
    tails.set(task.id, ms);
    return ms;
  };
  tasks.forEach(tailOf);
  return tails;
}
