import type { CliError } from '../errors/cli-error.ts';
import { explainThrown } from './explain.ts';
import { topologicalOrder } from './graph.ts';
import { interrupted, isInterrupt } from './interrupt.ts';
import type { Finding, Say, Step } from './step.ts';

export interface StepFinding {
  readonly step: Step;
  readonly finding: Finding;
  /** Set when the check itself failed; the finding then says so. */
  readonly error?: CliError;
  /** Set when the check was not called because this step is missing. */
  readonly waitsFor?: string;
}

export interface CheckStepsOptions {
  readonly signal: AbortSignal;
  readonly say?: Say;
  readonly explain?: (thrown: unknown) => CliError;
}

/**
 * Checks every step as soon as the steps it needs have been checked. Changes nothing. A step is not checked when one of
 * its needs is missing (the check would make no sense); it is checked when a need has only drifted.
 * @returns results in dependency order. Needs that are not among `steps` are assumed to be ready.
 * @throws CliError `interrupted`.
 */
export async function checkSteps(steps: readonly Step[], checking: CheckStepsOptions): Promise<readonly StepFinding[]> {
  const { signal, say = () => undefined, explain = explainThrown } = checking;
  const among = new Set(steps.map(({ id }) => id));
  const order = topologicalOrder(
    steps.map((step) => ({ ...step, step, needs: step.needs.filter((id) => among.has(id)) })),
  );
  const results = new Map<string, Promise<StepFinding>>();

  const look = async (step: Step, needs: readonly string[]): Promise<StepFinding> => {
    const before = await Promise.all(needs.flatMap((id) => results.get(id) ?? []));
    const missing = before.find(({ finding }) => finding !== 'ready' && 'missing' in finding);
    if (missing !== undefined) {
      return { step, finding: { missing: `waits for ${missing.step.title}` }, waitsFor: missing.step.id };
    }
    if (signal.aborted) throw interrupted('not everything was checked');
    try {
      return { step, finding: await step.check({ say, signal }) };
    } catch (thrown) {
      if (isInterrupt(thrown, signal)) throw interrupted('not everything was checked');
      const error = explain(thrown);
      return { step, finding: { missing: `could not check: ${error.message}` }, error };
    }
  };
  for (const { step, needs } of order) results.set(step.id, look(step, needs));
  // Wait for all checks, even when one throws, so that none continues in the background.
  const settled = await Promise.allSettled(results.values());
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason as Error;
    return result.value;
  });
}
