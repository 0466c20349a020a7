import type { CliError } from '../errors/cli-error.ts';
import type { Clock } from '../system/system.ts';
import { checkSteps } from './check.ts';
import type { RunEvent } from './events.ts';
import { explainThrown } from './explain.ts';
import { runError, unmetPrerequisites } from './run-error.ts';
import type { Phase, Plan } from './plan.ts';
import { criticalChain, longestChainMs, type RunReport, type StepReport } from './report.ts';
import { runPhase } from './schedule.ts';

export interface Run {
  readonly plan: Plan;
  readonly clock: Clock;
  /** How many steps may use a resource at once, e.g. `{ LAUNCHES: 2 }`; what is not named is not limited. */
  readonly bounds?: Readonly<Record<string, number>>;
  /** The interrupt: nothing new begins, waits end, what must not be cut is let end. */
  readonly signal: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
  /** Forgets what the steps have seen, before each look that follows an `apply`; 0 for the first such look of a step. */
  readonly forget?: (looksBefore: number) => void;
  /** What anything thrown by a step means; the default knows failed commands. */
  readonly explain?: (thrown: unknown) => CliError;
}

/**
 * Carries out a plan. Never rejects for a step's sake: what went wrong is `report.error`, with the first failure as its
 * reason and the others among its details; `prerequisite-missing` when something outside the targets is not there (and then
 * nothing was changed).
 */
export async function runPlan(run: Run): Promise<RunReport> {
  const { plan, clock, bounds = {}, signal, onEvent = () => undefined, explain = explainThrown } = run;
  const startedAt = clock.now();
  const phases: (readonly StepReport[])[] = [];
  let error = await requirementError(run, explain);
  for (const phase of plan.phases) {
    const reports =
      error === undefined
        ? await runPhase({ phase, clock, bounds, signal, emit: onEvent, explain, forget: run.forget })
        : untouched(phase);
    phases.push(reports);
    error ??= runError(reports);
  }
  const steps = phases.flat();
  const endedAt = clock.now();
  return {
    kind: plan.goal.kind,
    steps,
    startedAt,
    endedAt,
    makespanMs: endedAt - startedAt,
    criticalPath: phases.flatMap(criticalChain),
    criticalPathMs: phases.reduce((sum, reports) => sum + longestChainMs(reports), 0),
    changed: steps.filter(({ outcome }) => outcome === 'changed').length,
    ...(error === undefined ? {} : { error }),
  };
}

async function requirementError(
  { plan, signal }: Run,
  explain: (thrown: unknown) => CliError,
): Promise<CliError | undefined> {
  try {
    const results = await checkSteps(plan.required, { signal, explain });
    // A look that failed says nothing about what is there.
    return results.find(({ error }) => error !== undefined)?.error ?? unmetPrerequisites(plan, results);
  } catch (thrown) {
    return explain(thrown);
  }
}

function untouched({ direction, steps }: Phase): readonly StepReport[] {
  return steps.map(({ step: { id, title }, after }) => ({
    id,
    title,
    direction,
    outcome: 'not-started',
    after,
    waitedMs: 0,
  }));
}
