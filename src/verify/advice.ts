import { checkSteps, type StepFinding } from '../plan/check.ts';
import { closure } from '../plan/graph.ts';
import { makePlan } from '../plan/plan.ts';
import type { Step } from '../plan/step.ts';
import { commandHint, findingText } from '../plan/text.ts';
import type { Context } from '../system/system.ts';
import type { Lab } from '../steps/lab.ts';
import { labSteps } from '../steps/steps.ts';

/** Gives the hint that repairs the first thing that is missing for what these commands create. */
export type Adviser = (commands: readonly string[]) => Promise<string | undefined>;

/**
 * Advice out of the steps' own checks: of all that is needed, in the order of needs, the first that is not as wanted. The
 * steps are looked at once, when the first advice is asked for.
 */
export function createAdviser(lab: Lab, context: Context): Adviser {
  const steps = labSteps(lab);
  let looked: Promise<readonly StepFinding[]> | undefined;
  return async (commands) => {
    looked ??= checkSteps(steps.map(strictly), context);
    return firstCommand(steps, await looked, commands);
  };
}

/** A step that is not as wanted stops the look at those that need it: they would only say the same, and take time. */
function strictly(step: Step): Step {
  return {
    ...step,
    check: async (context) => {
      const finding = await step.check(context);
      return finding === 'ready' ? finding : { missing: findingText(finding) };
    },
  };
}

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
