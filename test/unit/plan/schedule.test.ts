import { fc } from '../../support/fast-check.ts';
import { describe, expect, it } from 'vitest';
import { longestChainMs } from '../../../src/plan/report.ts';
import { makePlan } from '../../../src/plan/plan.ts';
import { runPlan } from '../../../src/plan/run.ts';
import { createVirtualClock } from '../../../src/rehearsal/clock.ts';
import { graphs } from './graphs.ts';
import { createTestSteps } from './steps.ts';

const cases = fc.tuple(
  graphs,
  fc.integer({ min: 1, max: 3 }),
  fc.array(fc.boolean(), { minLength: 14, maxLength: 14 }),
);

/** Runs a random graph in virtual time; nodes with `bound` share one resource. */
async function simulate([nodes, bound, bounded]: [
  { id: string; needs: string[]; expectMs: number }[],
  number,
  boolean[],
]) {
  const clock = createVirtualClock(0);
  const testSteps = createTestSteps(clock);
  const uses = new Set(nodes.filter((_, place) => bounded[place]).map(({ id }) => id));
  const steps = nodes.map(({ id, needs, expectMs }) =>
    testSteps.step(id, needs, { ms: expectMs, ...(uses.has(id) ? { uses: 'slot' } : {}) }),
  );
  const plan = makePlan(steps, { kind: 'apply', targets: 'all' });
  const signal = new AbortController().signal;
  const report = await clock.drive(runPlan({ plan, clock, bounds: { slot: bound }, signal }));
  return { report, log: testSteps.log, uses };
}

describe('any schedule', () => {
  it('runs every step once, after its needs, within the limits, and without idle time', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (input) => {
        const [nodes, bound] = input;
        const { report, log, uses } = await simulate(input);
        expect(report.error).toBeUndefined();
        for (const { id, needs } of nodes) {
          expect(log.filter((line) => line === `apply ${id}`)).toHaveLength(1);
          for (const need of needs) expect(log.indexOf(`apply ${need} over`)).toBeLessThan(log.indexOf(`check ${id}`));
        }
        let held = 0;
        for (const line of log) {
          const [what, id, over] = line.split(' ');
          if (what !== 'apply' || !uses.has(id ?? '')) continue;
          held += over === undefined ? 1 : -1;
          expect(held).toBeLessThanOrEqual(bound);
        }
        // The bound of greedy scheduling: all slots are busy whenever no step of the longest chain runs.
        const inSlots = nodes.filter(({ id }) => uses.has(id)).reduce((sum, { expectMs }) => sum + expectMs, 0);
        expect(report.makespanMs).toBeLessThanOrEqual(longestChainMs(report.steps) + inSlots / bound);
        expect(report.makespanMs).toBeGreaterThanOrEqual(report.criticalPathMs);
        if (uses.size <= bound) expect(report.makespanMs).toBe(report.criticalPathMs);
      }),
      { numRuns: 60 },
    );
  });

  it('explains its duration by the critical path, and is the same every time', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (input) => {
        const { report, log } = await simulate(input);
        const own = new Map(
          report.steps.map((step) => [step.id, (step.endedAt ?? 0) - (step.startedAt ?? 0) - step.waitedMs]),
        );
        expect(report.criticalPath.reduce((sum, id) => sum + (own.get(id) ?? 0), 0)).toBe(report.makespanMs);
        expect((await simulate(input)).log).toEqual(log);
      }),
      { numRuns: 30 },
    );
  });
});

describe('access to a bounded resource', () => {
  it('is granted to the longest remaining path, even when its check takes longer', async () => {
    const clock = createVirtualClock(0);
    const { step, log } = createTestSteps(clock);
    const steps = [
      step('short', [], { uses: 'slot', ms: 10, checkMs: 1 }),
      step('long', [], { uses: 'slot', ms: 10, checkMs: 5 }),
      step('tail', ['long'], { ms: 100 }),
    ];
    const plan = makePlan(steps, { kind: 'apply', targets: 'all' });
    const report = await clock.drive(
      runPlan({ plan, clock, bounds: { slot: 1 }, signal: new AbortController().signal }),
    );
    expect(log.indexOf('apply long')).toBeLessThan(log.indexOf('apply short'));
    expect(report.makespanMs).toBe(120);
    expect(report.criticalPath).toEqual(['long', 'tail']);
  });

  it('is refused for an unknown resource', async () => {
    const clock = createVirtualClock(0);
    const plan = makePlan([createTestSteps(clock).step('a', [], { uses: 'slot' })], { kind: 'apply', targets: 'all' });
    const signal = new AbortController().signal;
    await expect(runPlan({ plan, clock, bounds: { slot: 0 }, signal })).rejects.toThrow('The limit of slot is 0.');
  });
});
