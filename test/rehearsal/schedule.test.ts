import { fc } from '../support/fast-check.ts';
import { describe, expect, it } from 'vitest';
import { cliJson, inOneWorld } from './support/cli.ts';
import { bestMakespan, measured } from './support/best-schedule.ts';
import { refusals, simulated, type RunResult } from './support/simulated.ts';

const { watch } = refusals();

/** The maximum ratio of the makespan to that of the best schedule. */
const MAX_RATIO = 1.05;

const up = async (set: Record<string, string>): Promise<RunResult> => {
  const ran = await watch(simulated({ set })).up();
  expect(ran.report.error).toBeUndefined();
  return ran;
};
const isMachine = (id: string): boolean => /^(master|worker-\d+|vm)$/.test(id);
const bestOf = ({ report }: RunResult, launches: number): number =>
  bestMakespan(measured(report.steps, isMachine), launches);

describe('the schedule of `up`', () => {
  it('takes as long as its critical path when all launches may run at once', async () => {
    const { report } = await up({ WORKERS: '2', LAUNCHES: '8' });
    expect(report.makespanMs).toBeGreaterThanOrEqual(report.criticalPathMs);
    expect(report.makespanMs / report.criticalPathMs).toBeLessThanOrEqual(MAX_RATIO);
  });

  const MATRIX = [
    ['2', '1'],
    ['2', '2'],
    ['3', '2'],
    ['4', '3'],
    ['8', '2'],
    ['8', '4'],
  ];
  it.each(MATRIX)(
    'takes as long as the best schedule with %s workers and %s launches at a time',
    async (WORKERS, LAUNCHES) => {
      const ran = await up({ WORKERS, LAUNCHES });
      const best = bestOf(ran, Number(LAUNCHES));
      expect(ran.report.makespanMs / best).toBeLessThanOrEqual(MAX_RATIO);
    },
  );

  it('is longer with eight workers only by the additional launches', async () => {
    const [few, many] = [await up({ WORKERS: '2', LAUNCHES: '2' }), await up({ WORKERS: '8', LAUNCHES: '2' })];
    // The unavoidable difference: nine launches in two slots compared with four, without any other work.
    const launches = ({ report }: RunResult): number =>
      measured(report.steps, isMachine)
        .filter(({ bounded }) => bounded)
        .reduce((sum, { slotMs }) => sum + slotMs, 0) / 2;
    const unavoidable = Math.max(0, launches(many) - launches(few));
    expect(many.report.makespanMs).toBeLessThanOrEqual(MAX_RATIO * (few.report.makespanMs + unavoidable));
    const { report } = await up({ WORKERS: '6', LAUNCHES: '8' });
    expect(report.makespanMs / report.criticalPathMs).toBeLessThanOrEqual(MAX_RATIO);
  });

  it('is reported as text and JSON with its makespan and critical path', async () => {
    const { json } = await cliJson(['up', '--rehearse', '--skip-verify', '--set', 'LAUNCHES=4']);
    const { makespanMs, criticalPathMs, criticalPath, steps } = json.data;
    expect(json.data.rehearsal).toMatchObject({ criticalPath, criticalPathMs });
    // Each step of the path starts when the one before it has ended, so that their durations add up to the makespan.
    const times: { ms: number; waitedMs: number }[] = criticalPath.map((id: string) =>
      steps.find((step: { id: string }) => step.id === id),
    );
    const sum = times.reduce((ms, step) => ms + step.ms - step.waitedMs, 0);
    expect(Math.abs(sum - makespanMs)).toBeLessThan(1);
    expect(criticalPathMs).toBeLessThanOrEqual(makespanMs);

    const run = await inOneWorld(watch(simulated()));
    const { stdout } = await run(['up', '--skip-verify']);
    expect(stdout).toMatch(/\d+ steps applied, \d+ unchanged \(\d+m\d+s\)\./);
    expect(stdout).toMatch(/Critical path: master → k3s-server → .*sample/);
  });
});

describe('a second `up` of a large lab', () => {
  it.each(['8', '1', '24'])('changes nothing and runs at most twelve commands with %s workers', async (WORKERS) => {
    const run = await inOneWorld(watch(simulated()));
    const set = ['--set', `WORKERS=${WORKERS}`, '--set', 'LAUNCHES=8'];
    expect((await run(['up', '--skip-verify', ...set])).code).toBe(0);
    const second = await run(['up', ...set]);
    expect(second.code).toBe(0);
    expect(second.stdout).toContain('Everything is up to date; nothing changed.');
    expect(second.writes).toEqual([]);
    expect(second.reads.length).toBeLessThanOrEqual(12);
  });
});

describe('the search for the best schedule', () => {
  const task = fc.record({
    checkMs: fc.integer({ min: 0, max: 3 }),
    slotMs: fc.integer({ min: 1, max: 9 }),
    restMs: fc.integer({ min: 0, max: 2 }),
  });
  /** A few bounded tasks, each with one task that depends on it. */
  const cases = fc.tuple(
    fc.array(fc.tuple(task, task), { minLength: 1, maxLength: 5 }),
    fc.integer({ min: 1, max: 3 }),
  );

  it('finds the same makespan as trying every order', () => {
    fc.assert(
      fc.property(cases, ([pairs, slots]) => {
        const tasks = pairs.flatMap(([first, then], index) => [
          { ...first, id: `b${index}`, after: [], bounded: true },
          { ...then, id: `t${index}`, after: [`b${index}`], bounded: false },
        ]);
        expect(bestMakespan(tasks, slots)).toBe(
          Math.min(...orders(pairs.length).map((order) => makespanOf(pairs, order, slots))),
        );
      }),
      { numRuns: 200 },
    );
  });
});

type Times = Record<'checkMs' | 'slotMs' | 'restMs', number>;

function orders(count: number): number[][] {
  if (count === 0) return [[]];
  return orders(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, at) => [...order.slice(0, at), count - 1, ...order.slice(at)]),
  );
}

/** The makespan when tasks get a slot in this order. */
function makespanOf(pairs: readonly (readonly [Times, Times])[], order: readonly number[], slots: number): number {
  const free = new Array<number>(slots).fill(0);
  const ends = order.map((index) => {
    const [first, then] = pairs[index]!;
    const slot = free.indexOf(Math.min(...free));
    const start = Math.max(free[slot]!, first.checkMs);
    free[slot] = start + first.slotMs;
    return free[slot] + first.restMs + then.checkMs + then.slotMs + then.restMs;
  });
  return Math.max(...ends);
}
