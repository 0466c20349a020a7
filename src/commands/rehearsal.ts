import { realApp, type Rehearsal } from '../app.ts';
import type { RehearsalStart } from '../invocation.ts';
import { checkSteps } from '../plan/check.ts';
import { makePlan } from '../plan/plan.ts';
import type { RunReport } from '../plan/report.ts';
import { runPlan } from '../plan/run.ts';
import { counted, duration } from '../plan/text.ts';
import type { LabStep } from '../steps/lab-step.ts';
import { allSteps } from '../steps/steps.ts';
import type { Session } from './command.ts';

/** Where the rehearsed command started; everything before it was preparation. */
export interface RehearsalStartPoint {
  readonly at: number;
  readonly commands: number;
}

/** The figures of a rehearsal, for text and JSON output. */
export interface RehearsalFigures {
  readonly virtualMs: number;
  readonly commands: number;
  readonly writes: number;
  readonly criticalPath: readonly string[];
  readonly criticalPathMs: number;
}

/**
 * Brings the simulated world to the state in which the command starts, without output and without faults.
 * @param needs ids of the steps that are already done with `--from needs`
 */
export async function prepareRehearsal(
  rehearsal: Rehearsal,
  session: Session,
  from: RehearsalStart,
  needs: (steps: readonly LabStep[]) => readonly string[],
): Promise<RehearsalStartPoint> {
  const steps = allSteps(session.app.lab);
  const done = await doneSteps(session, from, () => needs(steps));
  if (done.length > 0) {
    const plan = makePlan(steps, { kind: 'apply', targets: done });
    const { clock } = session.app.lab.system;
    const report = await rehearsal.drive(() => runPlan({ plan, clock, signal: session.signal }));
    if (report.error !== undefined) throw report.error;
  }
  rehearsal.enableFaults();
  return { at: session.app.lab.system.clock.now(), commands: rehearsal.transcript.length };
}

async function doneSteps(
  session: Session,
  from: RehearsalStart,
  needs: () => readonly string[],
): Promise<readonly string[]> {
  switch (from) {
    case 'nothing':
      return [];
    case 'needs':
      return needs();
    case 'lab':
      return upStepIds(session);
    case 'real': {
      // Runs the same checks against the real world, read-only.
      const real = realApp(session.environment, session.labOptions);
      const results = await checkSteps(allSteps(real.lab), { signal: session.signal });
      return results.filter(({ finding }) => finding === 'ready').map(({ step }) => step.id);
    }
  }
}

function upStepIds(session: Session): readonly string[] {
  return allSteps(session.app.lab)
    .filter(({ command }) => command !== 'arm64-patch')
    .map(({ id }) => id);
}

export function rehearsalFigures(
  rehearsal: Rehearsal,
  session: Session,
  begun: RehearsalStartPoint,
  run: RunReport | undefined,
): RehearsalFigures {
  const commands = rehearsal.transcript.slice(begun.commands);
  return {
    virtualMs: session.app.lab.system.clock.now() - begun.at,
    commands: commands.length,
    writes: commands.filter(({ command }) => command.effect === 'write').length,
    criticalPath: run?.criticalPath ?? [],
    criticalPathMs: run?.criticalPathMs ?? 0,
  };
}

/** The last lines of a rehearsal. */
export function rehearsalSummary(figures: RehearsalFigures): string {
  const { virtualMs, commands, writes } = figures;
  return `Rehearsed in ${duration(virtualMs)} of simulated time: ${counted(commands, 'command')}, ${writes} of them writes. Nothing real was touched.`;
}
