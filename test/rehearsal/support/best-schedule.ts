import type { StepReport } from '../../../src/plan/report.ts';

/** A step with what it was measured to take, in milliseconds. */
export interface Task {
  readonly id: string;
  readonly after: readonly string[];
  /** The look before anything else. */
  readonly lookMs: number;
  /** While it holds one of the bounded places; all of its work when it needs none. */
  readonly heldMs: number;
  /** What follows when the place is given back. */
  readonly restMs: number;
  readonly bounded: boolean;
}

/** What the steps of a run really took. `bounded`: which of them need one of the places. */
export function measured(reports: readonly StepReport[], bounded: (id: string) => boolean): readonly Task[] {
  return reports.map(({ id, after, startedAt = 0, workedAt, endedAt = 0, waitedMs }) => {
    if (workedAt === undefined) {
      return { id, after, lookMs: endedAt - startedAt, heldMs: 0, restMs: 0, bounded: false };
    }
    const lookMs = workedAt - waitedMs - startedAt;
    // The second look takes as long as the first and needs no place.
    const restMs = bounded(id) ? Math.min(lookMs, endedAt - workedAt) : 0;
    return { id, after, lookMs, heldMs: endedAt - workedAt - restMs, restMs, bounded: bounded(id) };
  });
}

/**
 * The shortest time in which the tasks can be done with so many places, by branch and bound over the orders in which the
 * places are given out. Bounded tasks have no needs of their own, so that no place is ever better left empty.
 */
export function bestMakespan(tasks: readonly Task[], places: number): number {
  const bounded = tasks.filter((task) => task.bounded);
  if (bounded.some(({ after }) => after.length > 0))
    throw new Error('a bounded task has needs: this search is not for it');
  const tails = tailsOf(tasks);
  const tail = ({ id, heldMs, lookMs }: Task): number => (tails.get(id) ?? 0) - lookMs - heldMs;
  let best = Infinity;

  const place = (left: readonly Task[], free: readonly number[], starts: ReadonlyMap<string, number>): void => {
    if (left.length === 0) {
      best = Math.min(best, makespan(tasks, starts));
      return;
    }
    const at = Math.min(...free);
    if (lowerBound(left, free, starts) >= best) return;
    const tried = new Set<string>();
    for (const task of [...left].sort((a, b) => (tails.get(b.id) ?? 0) - (tails.get(a.id) ?? 0))) {
      // Two that take the same and lead to the same are one choice.
      const kind = `${task.lookMs} ${task.heldMs} ${tail(task)}`;
      if (tried.has(kind)) continue;
      tried.add(kind);
      const start = Math.max(at, task.lookMs);
      const rest = [...free];
      rest[rest.indexOf(at)] = start + task.heldMs;
      place(
        left.filter((each) => each !== task),
        rest,
        new Map([...starts, [task.id, start]]),
      );
    }
  };

  /** What is placed so far and all that must follow it; and the work that is left, poured over the places. */
  const lowerBound = (left: readonly Task[], free: readonly number[], starts: ReadonlyMap<string, number>): number => {
    const chains = makespan(
      tasks,
      new Map([
        ...left.map((task): [string, number] => [task.id, Math.max(Math.min(...free), task.lookMs)]),
        ...starts,
      ]),
    );
    const work = left.reduce((sum, { heldMs }) => sum + heldMs, 0);
    return Math.max(chains, level(work, free) + Math.min(...left.map(tail)));
  };

  place(bounded, new Array<number>(places).fill(0), new Map());
  return best;
}

/** How high the work stands when it is poured over the places like water: no order of it ends sooner. */
function level(work: number, free: readonly number[]): number {
  const workers = [...free].sort((a, b) => a - b);
  let filled = work;
  for (const [index, bed] of workers.entries()) {
    filled += bed;
    const height = filled / (index + 1);
    if (height <= (workers[index + 1] ?? Infinity)) return height;
  }
  return work;
}

/** When everything is over, if the bounded tasks get their places at `starts`. */
function makespan(tasks: readonly Task[], starts: ReadonlyMap<string, number>): number {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const ends = new Map<string, number>();
  const endOf = (id: string): number => {
    const known = ends.get(id);
    const task = byId.get(id);
    if (known !== undefined || task === undefined) return known ?? 0;
    const ready = Math.max(0, ...task.after.map(endOf)) + task.lookMs;
    const end = Math.max(ready, starts.get(id) ?? 0) + task.heldMs + task.restMs;
    ends.set(id, end);
    return end;
  };
  return Math.max(0, ...tasks.map(({ id }) => endOf(id)));
}

/** From the beginning of each task to the end of the longest chain behind it. */
function tailsOf(tasks: readonly Task[]): ReadonlyMap<string, number> {
  const tails = new Map<string, number>();
  const tailOf = (task: Task): number => {
    const known = tails.get(task.id);
    if (known !== undefined) return known;
    const behind = tasks.filter(({ after }) => after.includes(task.id)).map(tailOf);
    const ms = task.lookMs + task.heldMs + task.restMs + Math.max(0, ...behind);
    tails.set(task.id, ms);
    return ms;
  };
  tasks.forEach(tailOf);
  return tails;
}
