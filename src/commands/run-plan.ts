import { isInterrupt } from '../plan/interrupt.ts';
import { makePlan, type Goal } from '../plan/plan.ts';
import type { RunReport } from '../plan/report.ts';
import { runPlan } from '../plan/run.ts';
import type { LabStep } from '../steps/lab-step.ts';
import { requireTools } from './tools.ts';
import { contextOf, type Session } from './command.ts';

/** A snapshot this recent, in milliseconds, is not read again for the check after a step. */
const MAX_AGE_MS = 250;

/** Checks the required tools, then runs the steps towards the goal. */
export async function planAndRun(session: Session, steps: readonly LabStep[], goal: Goal): Promise<RunReport> {
  const { lab } = session.app;
  const plan = makePlan(steps, goal);
  const planned = plan.phases.flatMap((phase) => phase.steps.map(({ step }) => step));
  const ids = new Set([...plan.required, ...planned].map(({ id }) => id));
  const tools = new Set(steps.filter(({ id }) => ids.has(id)).flatMap((step) => step.tools));
  try {
    await requireTools(lab, [...tools], contextOf(session));
  } catch (thrown) {
    // The run itself reports an interrupt, with what was done and what was not.
    if (!isInterrupt(thrown, session.signal)) throw thrown;
  }
  return runPlan({
    plan,
    clock: lab.system.clock,
    bounds: { LAUNCHES: lab.config.launches },
    signal: session.signal,
    onEvent: session.reporter.event,
    forget: (looksBefore) => {
      // The step's own wait has usually just read the cluster.
      lab.kubectl.forget(looksBefore === 0 ? MAX_AGE_MS : undefined);
      // A step invalidates the machines that it changed itself; a later check waits for changes made by others.
      if (looksBefore === 0) return;
      lab.machines.forget();
      for (const { name } of lab.config.workloads) lab.workloadVm(name).forget();
    },
  });
}

/** A run as data, for JSON. */
export function runData(report: RunReport): Readonly<Record<string, unknown>> {
  return {
    changed: report.changed,
    makespanMs: report.makespanMs,
    criticalPathMs: report.criticalPathMs,
    criticalPath: report.criticalPath,
    steps: report.steps.map(({ id, title, direction, outcome, startedAt, endedAt, waitedMs }) => ({
      id,
      title,
      direction,
      outcome,
      ...(startedAt === undefined || endedAt === undefined ? {} : { ms: endedAt - startedAt, waitedMs }),
    })),
  };
}
