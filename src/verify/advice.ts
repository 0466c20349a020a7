import { checkSteps, type StepFinding } from '../plan/check.ts';
import { closure } from '../plan/graph.ts';
import { makePlan } from '../plan/plan.ts';
import type { Step } from '../plan/step.ts';
import { commandHint, findingText } from '../plan/text.ts';
import type { Context } from '../system/system.ts';
import type { Lab } from '../steps/lab.ts';
import { labSteps } from '../steps/steps.ts';

/** Returns the hint that repairs the first missing thing that these commands create or depend on. */
export type Adviser = (commands: readonly string[]) => Promise<string | undefined>;

/**
 * Advice from the steps' own checks: the hint of the first required step, in the order of `needs`, that is not ready.
 * The steps are checked once, when the first advice is needed.
 */
export function createAdviser(lab: Lab, context: Context): Adviser {
  const steps = labSteps(lab);
  let looked: Promise<readonly StepFinding[]> | undefined;
  return async (commands) => {
    looked ??= checkSteps(steps.map(withStrictCheck), context);
    return firstCommand(steps, await looked, commands);
  };
}

/**
 * Treats a step that is not ready as missing, so that the steps that need it are not checked: they would give the same
 * advice, and take time.
 */
function withStrictCheck(step: Step): Step {
  return {
    ...step,
    check: async (context) => {
      const finding = await step.check(context);
      return finding === 'ready' ? finding : { missing: findingText(finding) };
    },
  };
}

/** The command, or the hint of a check that failed; undefined when everything is ready. Pure. */
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
  // A command also applies its other steps, and it refuses when one of their prerequisites is missing.
  for (let tries = 0; first !== undefined && tries < steps.length; tries++) {
    if (first.error !== undefined) return first.error.facts.hint ?? commandHint(first.step.command);
    const { required } = makePlan(steps, { kind: 'apply', targets: idsOf([first.step.command]) });
    const before = firstIn(new Set(required.map(({ id }) => id)));
    if (before === undefined) return commandHint(first.step.command);
    first = before;
  }
  return first === undefined ? undefined : commandHint(first.step.command);
}
