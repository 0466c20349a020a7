import { describe, expect, it } from 'vitest';
import { CliError } from '../../../src/errors/cli-error.ts';
import { checkSteps } from '../../../src/plan/check.ts';
import type { RunEvent } from '../../../src/plan/events.ts';
import { type Goal, makePlan } from '../../../src/plan/plan.ts';
import { runPlan } from '../../../src/plan/run.ts';
import type { Step } from '../../../src/plan/step.ts';
import { CommandError } from '../../../src/system/command-error.ts';
import { createVirtualClock } from '../../../src/rehearsal/clock.ts';
import { createTestSteps } from './steps.ts';

const APPLY: Goal = { kind: 'apply', targets: 'all' };

function setup() {
  const clock = createVirtualClock(0);
  const testSteps = createTestSteps(clock);
  const interrupt = new AbortController();
  const events: RunEvent[] = [];
  return {
    ...testSteps,
    clock,
    events,
    interrupt,
    run: (steps: readonly Step[], goal: Goal = APPLY, bounds: Record<string, number> = {}) =>
      clock.drive(
        runPlan({
          plan: makePlan(steps, goal),
          clock,
          bounds,
          signal: interrupt.signal,
          onEvent: (e) => void events.push(e),
        }),
      ),
  };
}

const outcomes = (report: { steps: readonly { id: string; outcome: string }[] }) =>
  report.steps.map(({ id, outcome }) => `${id} ${outcome}`);

describe('a run', () => {
  it('checks, applies and checks again, in the order of needs', async () => {
    const { step, run, log } = setup();
    const report = await run([step('b', ['a']), step('a')]);
    expect(report.error).toBeUndefined();
    expect(outcomes(report)).toEqual(['a changed', 'b changed']);
    expect(report.changed).toBe(2);
    expect(log.join('; ')).toBe('check a; apply a; apply a over; check a; check b; apply b; apply b over; check b');
  });

  it('does not apply steps that are ready', async () => {
    const { step, run, log, existing } = setup();
    existing.add('a').add('b');
    const report = await run([step('b', ['a']), step('a')]);
    expect(log).toEqual(['check a', 'check b']);
    expect(report).toMatchObject({ changed: 0, makespanMs: 0 });
    expect(outcomes(report)).toEqual(['a ready', 'b ready']);
  });

  it('fails when a step is not ready after it was applied', async () => {
    const { step, run } = setup();
    const report = await run([step('a', [], { noEffect: true })]);
    expect(report.error?.reason).toBe('not-converged');
    expect(report.error?.message).toContain('no a');
  });

  it('starts nothing after a failure, lets running steps finish, and reports all failures', async () => {
    const { step, run, log } = setup();
    const report = await run([
      step('bad', [], { ms: 10, fails: new CliError('disk-full', { message: 'No room.', details: ['0 B left'] }) }),
      step('after-bad', ['bad']),
      step('slow', [], { ms: 100 }),
      step('worse', [], { ms: 50, fails: new CliError('tool-failed', { message: 'It fell over.' }) }),
      step('after-slow', ['slow']),
    ]);
    expect(outcomes(report)).toEqual([
      'bad failed',
      'after-bad not-started',
      'slow changed',
      'worse failed',
      'after-slow not-started',
    ]);
    expect(report.error).toMatchObject({ reason: 'disk-full', message: 'Thing bad: No room.', exitCode: 5 });
    expect(report.error?.facts.details).toEqual(['0 B left', 'Also failed: Thing worse: It fell over.']);
    expect(log).not.toContain('check after-slow');
  });

  it('explains a failed command, and treats any other error as an internal error', async () => {
    const command = { file: 'multipass', args: ['list'], effect: 'read' } as const;
    const result = { exitCode: 2, stdout: '', stderr: 'no', stdoutBytes: new Uint8Array(), durationMs: 1 };
    const one = setup();
    const failed = await one.run([one.step('a', [], { fails: new CommandError(command, 'exit', result) })]);
    expect(failed.error).toMatchObject({ reason: 'tool-failed', facts: { command: 'multipass list' } });
    const two = setup();
    const bug = await two.run([two.step('a', [], { fails: new TypeError('undefined is not a function') })]);
    expect(bug.error?.reason).toBe('internal-error');
  });

  it('changes nothing when a prerequisite is missing, and names the command that creates it', async () => {
    const { step, run, log } = setup();
    const steps = [
      step('base', [], { command: 'base' }),
      step('mid', ['base'], { command: 'mid' }),
      step('app', ['mid']),
    ];
    const report = await run(steps, { kind: 'apply', targets: ['app'] });
    expect(report.error).toMatchObject({ reason: 'prerequisite-missing', exitCode: 2 });
    expect(report.error?.facts.details).toEqual([
      'Thing base: no base (run: istio-vms base)',
      'Thing mid: waits for Thing base (run: istio-vms mid)',
    ]);
    expect(report.error?.facts.hint).toBe('Run this first: istio-vms base && istio-vms mid');
    expect(log).toEqual(['check base']);
    expect(outcomes(report)).toEqual(['app not-started']);
  });

  it('does not treat a failed check as a missing prerequisite', async () => {
    const { step, run } = setup();
    const unreachable = {
      ...step('base'),
      check: () => Promise.reject(new CliError('api-unreachable', { message: 'Silence.' })),
    };
    const report = await run([unreachable, step('app', ['base'])], { kind: 'apply', targets: ['app'] });
    expect(report.error?.reason).toBe('api-unreachable');
  });

  it('removes in reverse order, continues after a failure, and reports what was not found', async () => {
    const { step, run, existing } = setup();
    existing.add('a').add('c');
    const fails = new CliError('tool-failed', { message: 'Stuck.' });
    const report = await run([step('a'), step('b', ['a'], { fails }), step('c', ['b']), step('d', ['c'])], {
      kind: 'delete',
      targets: 'all',
    });
    expect(outcomes(report)).toEqual(['d ready', 'c changed', 'b failed', 'a changed']);
    expect(report.error?.message).toBe('Thing b: Stuck.');
  });

  it('does not apply a step again that could not be removed', async () => {
    const { step, run, log } = setup();
    const fails = new CliError('tool-failed', { message: 'Stuck.' });
    const report = await run([step('a', [], { fails })], { kind: 'recreate', targets: 'all' });
    expect(outcomes(report)).toEqual(['a failed', 'a not-started']);
    expect(log).not.toContain('apply a');
  });

  it('recreates a step by removing and applying it', async () => {
    const { step, run, existing, log } = setup();
    existing.add('a');
    const report = await run([step('a')], { kind: 'recreate', targets: 'all' });
    expect(outcomes(report)).toEqual(['a changed', 'a changed']);
    expect(log.filter((line) => !line.startsWith('check'))).toEqual([
      'remove a',
      'remove a over',
      'apply a',
      'apply a over',
    ]);
  });
});

describe('an interrupt', () => {
  it('ends waits, lets uninterruptible steps finish, and starts nothing new', async () => {
    const { step, run, clock, interrupt } = setup();
    clock.after(50, () => interrupt.abort());
    const report = await run([
      step('quick', [], { ms: 10 }),
      step('wait', [], { ms: 500, stoppable: true }),
      step('launch', [], { ms: 200 }),
      step('later', ['launch']),
    ]);
    expect(outcomes(report)).toEqual(['quick changed', 'wait interrupted', 'launch interrupted', 'later not-started']);
    expect(report.makespanMs).toBe(200);
    expect(report.error).toMatchObject({ reason: 'interrupted', exitCode: 130 });
    expect(report.error?.message).toBe('Interrupted: 1 step done, 2 interrupted, 1 not started.');
  });

  it('is not the reported reason when a step failed for another reason', async () => {
    const { step, run, clock, interrupt } = setup();
    clock.after(50, () => interrupt.abort());
    const fails = new CliError('disk-full', { message: 'No room.' });
    const report = await run([step('a', [], { ms: 500, stoppable: true }), step('b', [], { ms: 100, fails })]);
    expect(report.error?.reason).toBe('disk-full');
  });

  it('ends the wait for a bounded resource', async () => {
    const { step, run, clock, interrupt } = setup();
    clock.after(50, () => interrupt.abort());
    const report = await run(
      [step('a', [], { uses: 'launch', ms: 100 }), step('b', [], { uses: 'launch', ms: 10 })],
      APPLY,
      {
        launch: 1,
      },
    );
    expect(outcomes(report)).toEqual(['a interrupted', 'b not-started']);
    expect(report.makespanMs).toBe(100);
  });

  it('prevents all checks and changes when it comes before the start', async () => {
    const { step, run, interrupt, log } = setup();
    interrupt.abort();
    expect((await run([step('a')])).error?.reason).toBe('interrupted');
    expect(log).toEqual([]);
  });

  it('has no effect when everything is done', async () => {
    const { step, run, clock, interrupt } = setup();
    clock.after(2000, () => interrupt.abort());
    expect((await run([step('a')])).error).toBeUndefined();
  });
});

describe('events', () => {
  it('describe the whole run with clock times', async () => {
    const { step, run, events } = setup();
    const report = await run(
      [step('a', [], { uses: 'r', ms: 100, checkMs: 5 }), step('b', [], { uses: 'r', ms: 50, checkMs: 5 })],
      APPLY,
      { r: 1 },
    );
    expect(events.map(({ at, type, ...rest }) => `${at} ${type} ${'id' in rest ? rest.id : ''}`.trim())).toEqual([
      '0 run-started',
      '0 step-queued a',
      '0 step-started a',
      '0 step-queued b',
      '0 step-started b',
      '5 step-working a',
      '5 step-said a',
      '5 step-waiting b',
      '105 step-working b',
      '105 step-said b',
      '110 step-done a',
      '160 step-done b',
      '160 run-finished',
    ]);
    expect(report.steps[1]).toMatchObject({ queuedAt: 0, workedAt: 105, endedAt: 160, waitedMs: 100, turnFrom: 'a' });
    expect(report).toMatchObject({ makespanMs: 160, criticalPath: ['a', 'b'], criticalPathMs: 110 });
  });

  it('end with the step, whose later messages are ignored', async () => {
    const { step, run, events } = setup();
    let late: ((text: string) => void) | undefined;
    const a = step('a');
    await run([{ ...a, apply: async (context) => (await a.apply(context), (late = context.say), undefined) }]);
    const before = events.length;
    late?.('still here');
    expect(events).toHaveLength(before);
  });
});

describe('checking all steps', () => {
  it('stops at a missing step, but not at a drifted one', async () => {
    const { step, log, clock } = setup();
    const steps = [
      step('x', [], { finding: { drifted: 'two of three' } }),
      step('y', ['x']),
      step('z', ['y']),
      { ...step('blind'), check: () => Promise.reject(new Error('dark')) },
      step('q', ['not-asked'], { finding: 'ready' }),
    ];
    const results = await clock.drive(checkSteps(steps, { signal: new AbortController().signal }));
    expect(results.map(({ step: { id }, finding, waitsFor }) => [id, finding, waitsFor])).toEqual([
      ['x', { drifted: 'two of three' }, undefined],
      ['y', { missing: 'no y' }, undefined],
      ['z', { missing: 'waits for Thing y' }, 'y'],
      ['blind', { missing: expect.stringContaining('could not check') }, undefined],
      ['q', 'ready', undefined],
    ]);
    expect(log).toEqual(['check x', 'check q', 'check y']);
  });

  it('runs independent checks at once', async () => {
    const { step, clock } = setup();
    const steps = ['a', 'b', 'c'].map((id) => step(id, [], { checkMs: 100 }));
    await clock.drive(checkSteps(steps, { signal: new AbortController().signal }));
    expect(clock.now()).toBe(100);
  });
});
