import { checkSteps, type StepFinding } from '../plan/check.ts';
import type { Step } from '../plan/step.ts';
import { findingText } from '../plan/text.ts';
import type { Context } from '../system/system.ts';
import type { Lab } from '../steps/lab.ts';
import { labSteps } from '../steps/steps.ts';
import { firstCommand } from './first-command.ts';

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
