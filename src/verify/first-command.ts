import type { StepFinding } from '../plan/check.ts';
import { closure } from '../plan/graph.ts';
import { makePlan } from '../plan/plan.ts';
import type { Step } from '../plan/step.ts';
import { commandHint } from '../plan/text.ts';

/** The command, or the hint of a look that failed; undefined when everything is as wanted. Pure. */
export function firstCommand(
  steps: readonly Step[],
  results: readonly StepFinding[],
  wanted: readonly string[],
): string | undefined {
  const idsOf = (commands: readonly string[]): readonly string[] =>
    steps.filter((step) => commands.includes(step.command)).map(({ id }) => id);
  const firstIn = (ids: ReadonlySet<string>): StepFinding | undefined =>
    results.find(({ step, finding, waitsFor }) => ids.has(step.id) && finding !== 'ready' && waitsFor === undefined);

  let first = firstIn(closure(steps, idsOf(wanted)));
  // A command also makes its other steps; it refuses when something that those need is missing.
  for (let tries = 0; first !== undefined && tries < steps.length; tries++) {
    if (first.error !== undefined) return first.error.facts.hint ?? commandHint(first.step.command);
    const { required } = makePlan(steps, { kind: 'apply', targets: idsOf([first.step.command]) });
    const before = firstIn(new Set(required.map(({ id }) => id)));
    if (before === undefined) return commandHint(first.step.command);
    first = before;
  }
  return first === undefined ? undefined : commandHint(first.step.command);
}
