import { expect, it } from 'vitest';
import { ARTICLE_COMMANDS } from '../../support/step-commands.ts';
import { closure, validateGraph } from '../../../src/plan/graph.ts';
import type { StepCommand } from '../../../src/steps/lab-step.ts';
import { allSteps, labSteps, stepsOf } from '../../../src/steps/steps.ts';
import { simulated } from '../../rehearsal/support/simulated.ts';

const COMMANDS: readonly StepCommand[] = [...ARTICLE_COMMANDS, 'arm64-patch'];

it.each(['1', '2', '50'])('the steps form a valid graph with %s workers', (workers) => {
  const steps = allSteps(simulated({ set: { WORKERS: workers } }).lab());
  expect(() => validateGraph(steps)).not.toThrow();
  expect(steps.filter(({ id }) => id.startsWith('worker-'))).toHaveLength(Number(workers));
});

it('every command has steps, and every step of `up` but the sample and `experiments` has a command of its own', () => {
  const lab = simulated().lab();
  const covered = new Set(COMMANDS.flatMap((command) => stepsOf(command, allSteps(lab))));
  for (const command of COMMANDS) expect(stepsOf(command, allSteps(lab)).length).toBeGreaterThan(0);
  expect(
    labSteps(lab)
      .filter(({ id }) => !covered.has(id))
      .map(({ id }) => id),
  ).toEqual(['experiments', 'sample']);
});

it('the sidecar needs neither sample nor route, and the workload files do not need the gateway', () => {
  const needs = new Map(labSteps(simulated().lab()).map((step) => [step.id, step.needs]));
  expect(needs.get('workload')).not.toContain('eastwest');
  expect(needs.get('sidecar-package')).toEqual(['vm', 'sidecar-download']);
  expect(needs.get('sidecar')).toEqual(['sidecar-package', 'workload', 'eastwest']);
});

it.each<[StepCommand | 'up', readonly string[]]>([
  ['istioctl', []],
  ['arm64-patch', ['container']],
  ['vm', ['machines']],
  ['istio', ['kubectl', 'machines']],
  ['workload', ['kubectl', 'machines']],
  ['bootstrap', ['kubectl', 'machines']],
  ['up', ['kubectl', 'machines']],
])('%s needs the tools %j, including those of its prerequisites', (command, tools) => {
  const steps = command === 'up' ? labSteps(simulated().lab()) : allSteps(simulated().lab());
  const ids = command === 'up' ? steps.map(({ id }) => id) : stepsOf(command, steps);
  const touched = closure(steps, ids);
  const needed = new Set(steps.filter(({ id }) => touched.has(id)).flatMap((step) => step.tools));
  expect([...needed].sort()).toEqual(tools);
});
