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
  /** How many steps may use a resource at once, e.g. `{ LAUNCHES: 2 }`; other resources are not limited. */
  readonly bounds?: Readonly<Record<string, number>>;
  /** The interrupt: nothing new starts, waits end, and commands that must not be cut off finish. */
  readonly signal: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
  /**
   * Invalidates what the steps have cached, before each check after an `apply`; 0 for the first such check of a step.
   */
  readonly forget?: (looksBefore: number) => void;
  /** Converts anything thrown by a step to a CliError; the default explains failed commands. */
  readonly explain?: (thrown: unknown) => CliError;
}

/**
 * Runs a plan. A failed step does not reject: `report.error` has the first failure as its reason and the others in its
 * details; `prerequisite-missing` when something outside the targets is missing (then nothing was changed).
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
    // A check that failed does not show what exists.
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
