import type { Step, StepContext } from '../plan/step.ts';
import { findingText } from '../plan/words.ts';
import { ownerOf, proofOwner } from '../ui/report/picture.ts';
import type { RunRecord } from '../ui/report/record.ts';
import type { Check } from '../verify/check.ts';

/** The same step; what it runs and says goes onto the record as its own. */
export function observedStep(step: Step, record: RunRecord): Step {
  const making = ownerOf({ direction: 'apply', id: step.id });
  const removing = ownerOf({ direction: 'remove', id: step.id });
  return {
    ...step,
    check: (context) =>
      observed(record, making, context, async (heard) => {
        const finding = await step.check(heard);
        // Why something was made is worth a line; that it is there says the outcome.
        if (finding !== 'ready') record.say(making, `looked: ${findingText(finding)}`);
        return finding;
      }),
    apply: (context) => observed(record, making, context, (heard) => step.apply(heard)),
    ...('remove' in step && {
      remove: (context: StepContext) =>
        observed(record, removing, context, async (heard) => (await step.remove?.(heard)) ?? 'absent'),
    }),
  };
}

export function observedCheck(check: Check, record: RunRecord): Check {
  const owner = proofOwner(check.name);
  return { ...check, run: (lab, context) => observed(record, owner, context, (heard) => check.run(lab, heard)) };
}

function observed<T>(
  record: RunRecord,
  owner: string,
  context: StepContext,
  act: (heard: StepContext) => Promise<T>,
): Promise<T> {
  const say = (text: string): void => {
    record.say(owner, text);
    context.say(text);
  };
  return record.within(owner, () => act({ ...context, say }));
}
