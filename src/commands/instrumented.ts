import type { Step, StepContext } from '../plan/step.ts';
import { findingText } from '../plan/text.ts';
import { ownerOf, checkOwner } from '../ui/report/report-data.ts';
import type { RunRecord } from '../ui/report/record.ts';
import type { Check } from '../verify/check.ts';

/** The same step; its commands and messages are recorded with the step as their owner. */
export function instrumentedStep<S extends Step>(step: S, record: RunRecord): S {
  const applying = ownerOf({ direction: 'apply', id: step.id });
  const removing = ownerOf({ direction: 'remove', id: step.id });
  return {
    ...step,
    check: (context) =>
      instrumented(record, applying, context, async (observed) => {
        const finding = await step.check(observed);
        // The reason for a change is worth a line; when the step is ready, its outcome already shows that.
        if (finding !== 'ready') record.say(applying, `looked: ${findingText(finding)}`);
        return finding;
      }),
    apply: (context) => instrumented(record, applying, context, (observed) => step.apply(observed)),
    ...('remove' in step && {
      remove: (context: StepContext) =>
        instrumented(record, removing, context, async (observed) => (await step.remove?.(observed)) ?? 'absent'),
    }),
  };
}

export function instrumentedCheck(check: Check, record: RunRecord): Check {
  const owner = checkOwner(check.name);
  return {
    ...check,
    run: (lab, context) => instrumented(record, owner, context, (observed) => check.run(lab, observed)),
  };
}

function instrumented<T>(
  record: RunRecord,
  owner: string,
  context: StepContext,
  act: (observed: StepContext) => Promise<T>,
): Promise<T> {
  const say = (text: string): void => {
    record.say(owner, text);
    context.say(text);
  };
  return act({ ...context, say, owner });
}
