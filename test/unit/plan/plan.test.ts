import { describe, expect, it } from 'vitest';
import { toMermaid } from '../../../src/plan/mermaid.ts';
import { makePlan, type Phase } from '../../../src/plan/plan.ts';
import { createVirtualClock } from '../../../src/rehearsal/clock.ts';
import { createTestSteps } from './steps.ts';

const { step } = createTestSteps(createVirtualClock(0));
const steps = [
  step('app', ['net', 'disk']),
  step('net', ['base'], { noRemove: true }),
  step('disk', ['base']),
  step('base'),
];
const shape = (phase: Phase | undefined) =>
  phase?.steps.map(({ step: { id }, after }) => `${id}<${[...after].sort().join()}`);

describe('the plan', () => {
  it('applies all steps in the order of needs, and requires nothing else', () => {
    const plan = makePlan(steps, { kind: 'apply', targets: 'all' });
    expect(plan.required).toEqual([]);
    expect(plan.phases.map(({ direction }) => direction)).toEqual(['apply']);
    expect(shape(plan.phases[0])).toEqual(['base<', 'net<base', 'disk<base', 'app<disk,net']);
  });

  it('applies only the targets, and checks what they need', () => {
    const plan = makePlan(steps, { kind: 'apply', targets: ['app', 'disk'] });
    expect(plan.required.map(({ id }) => id)).toEqual(['base', 'net']);
    expect(shape(plan.phases[0])).toEqual(['disk<', 'app<disk']);
  });

  it('checks what a target requires without waiting for it, unless the same run creates it', () => {
    const { step: app } = createTestSteps(createVirtualClock(0));
    const withRequires = [{ ...app('app', ['base']), requires: ['disk'] }, app('disk', ['base']), app('base')];
    expect(makePlan(withRequires, { kind: 'apply', targets: ['app'] }).required.map(({ id }) => id)).toEqual([
      'base',
      'disk',
    ]);
    const all = makePlan(withRequires, { kind: 'apply', targets: 'all' });
    expect(all.required).toEqual([]);
    expect(shape(all.phases[0])).toEqual(['base<', 'app<base', 'disk<base']);
  });

  it('keeps the order of targets that are connected by a step outside the targets', () => {
    const plan = makePlan(steps, { kind: 'apply', targets: ['app', 'base'] });
    expect(shape(plan.phases[0])).toEqual(['base<', 'app<base']);
    expect(plan.required.map(({ id }) => id)).toEqual(['base', 'net', 'disk']);
  });

  it('deletes in reverse order, across steps that cannot be deleted', () => {
    const plan = makePlan(steps, { kind: 'delete', targets: 'all' });
    expect(plan.required).toEqual([]);
    expect(plan.phases.map(({ direction }) => direction)).toEqual(['remove']);
    expect(shape(plan.phases[0])).toEqual(['app<', 'disk<app', 'base<app,disk']);
    expect(shape(makePlan(steps, { kind: 'delete', targets: ['base', 'net'] }).phases[0])).toEqual(['base<']);
  });

  it('recreates by deleting and then applying the same targets', () => {
    const plan = makePlan(steps, { kind: 'recreate', targets: ['disk'] });
    expect(plan.phases.map(shape)).toEqual([['disk<'], ['disk<']]);
    expect(plan.phases.map(({ direction }) => direction)).toEqual(['remove', 'apply']);
    expect(plan.required.map(({ id }) => id)).toEqual(['base']);
  });

  it('refuses an unknown target', () => {
    expect(() => makePlan(steps, { kind: 'apply', targets: ['ghost'] })).toThrow('there is no step ghost');
  });

  it('is drawn without redundant arrows', () => {
    const titled = (id: string, ...needs: string[]) => ({ id, needs, title: `The "${id}"` });
    expect(toMermaid([titled('end', 'mid-1', 'first'), titled('mid-1', 'first'), titled('first')])).toBe(
      [
        'flowchart LR',
        '  step_first["The #quot;first#quot;"]',
        '  step_mid_1["The #quot;mid-1#quot;"]',
        '  step_end["The #quot;end#quot;"]',
        '  step_first --> step_mid_1',
        '  step_mid_1 --> step_end',
        '',
      ].join('\n'),
    );
  });
});
