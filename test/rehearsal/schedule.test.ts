import { fc } from '../support/fast-check.ts';
import { describe, expect, it } from 'vitest';
import { cliJson, inOneWorld } from './support/cli.ts';
import { bestMakespan, measured } from './support/best-schedule.ts';
import { refusals, simulated, type Ran } from './support/simulated.ts';

const { watch } = refusals();

/** How much longer than the best a run may be. */
const WASTE = 1.05;

const up = async (set: Record<string, string>): Promise<Ran> => {
  const ran = await watch(simulated({ set })).up();
  expect(ran.report.error).toBeUndefined();
  return ran;
};
const isMachine = (id: string): boolean => /^(master|worker-\d+|vm)$/.test(id);
const bestOf = ({ report }: Ran, launches: number): number => bestMakespan(measured(report.steps, isMachine), launches);

describe('the schedule of `up`', () => {
  it('takes as long as its critical path when all launches may run at once', async () => {
    const { report } = await up({ WORKERS: '2', LAUNCHES: '8' });
    expect(report.makespanMs).toBeGreaterThanOrEqual(report.criticalPathMs);
    expect(report.makespanMs / report.criticalPathMs).toBeLessThanOrEqual(WASTE);
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
      expect(ran.report.makespanMs / best).toBeLessThanOrEqual(WASTE);
    },
  );

  it('grows with eight workers only by what two launches at a time force', async () => {
    const [few, many] = [await up({ WORKERS: '2', LAUNCHES: '2' }), await up({ WORKERS: '8', LAUNCHES: '2' })];
    // What is forced: nine machines in two places take so much longer than four, were there nothing else to do.
    const launches = ({ report }: Ran): number =>
      measured(report.steps, isMachine)
        .filter(({ bounded }) => bounded)
        .reduce((sum, { heldMs }) => sum + heldMs, 0) / 2;
    const forced = Math.max(0, launches(many) - launches(few));
    expect(many.report.makespanMs).toBeLessThanOrEqual(WASTE * (few.report.makespanMs + forced));
    const { report } = await up({ WORKERS: '6', LAUNCHES: '8' });
    expect(report.makespanMs / report.criticalPathMs).toBeLessThanOrEqual(WASTE);
  });

  it('is reported as text and JSON with its length and critical path', async () => {
    const { json } = await cliJson(['up', '--rehearse', '--skip-verify', '--set', 'LAUNCHES=4']);
    const { makespanMs, criticalPathMs, criticalPath, steps } = json.data;
    expect(json.data.rehearsal).toMatchObject({ criticalPath, criticalPathMs });
    // Each of the path's steps begins when the one before it has ended, the first with the run and the last at its end.
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
    lookMs: fc.integer({ min: 0, max: 3 }),
    heldMs: fc.integer({ min: 1, max: 9 }),
    restMs: fc.integer({ min: 0, max: 2 }),
  });
  /** A few bounded tasks, and a tail behind each. */
  const cases = fc.tuple(
    fc.array(fc.tuple(task, task), { minLength: 1, maxLength: 5 }),
    fc.integer({ min: 1, max: 3 }),
  );

  it('finds the same length as trying every order', () => {
    fc.assert(
      fc.property(cases, ([pairs, places]) => {
        const tasks = pairs.flatMap(([first, then], index) => [
          { ...first, id: `b${index}`, after: [], bounded: true },
          { ...then, id: `t${index}`, after: [`b${index}`], bounded: false },
        ]);
        expect(bestMakespan(tasks, places)).toBe(
          Math.min(...orders(pairs.length).map((order) => inThatOrder(pairs, order, places))),
        );
      }),
      { numRuns: 200 },
    );
  });
});

type Times = Record<'lookMs' | 'heldMs' | 'restMs', number>;

function orders(count: number): number[][] {
  if (count === 0) return [[]];
  return orders(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, at) => [...order.slice(0, at), count - 1, ...order.slice(at)]),
  );
}

/** When everything is over if the places are given out in this order. */
function inThatOrder(pairs: readonly (readonly [Times, Times])[], order: readonly number[], places: number): number {
  const free = new Array<number>(places).fill(0);
  const ends = order.map((index) => {
    const [first, then] = pairs[index]!;
    const place = free.indexOf(Math.min(...free));
    const start = Math.max(free[place]!, first.lookMs);
    free[place] = start + first.heldMs;
    return free[place] + first.restMs + then.lookMs + then.heldMs + then.restMs;
  });
  return Math.max(...ends);
}
