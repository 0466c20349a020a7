import type { ExitCode } from '../errors/reasons.ts';
import type { GlobalOptions, Invocation } from '../invocation.ts';
import { makePlan } from '../plan/plan.ts';
import type { StepCommand } from '../steps/lab-step.ts';
import { allSteps, stepsOf } from '../steps/steps.ts';
import { summarize } from '../ui/summary.ts';
import { withLabLock } from './lab-lock.ts';
import { planAndRun, runData } from './run-plan.ts';
import { runSession } from './session.ts';

interface StepOptions extends GlobalOptions {
  readonly delete?: boolean;
  readonly recreate?: boolean;
  /** False with `--no-fix-ca`. */
  readonly fixCa?: boolean;
  readonly fixPilot?: boolean;
}

/** One step of the article as a command of its own. */
export async function step(command: StepCommand, invocation: Invocation, options: StepOptions): Promise<ExitCode> {
  const kind = options.delete === true ? 'delete' : options.recreate === true ? 'recreate' : 'apply';
  return runSession({
    command,
    ...(command === 'istio' && { warnsOfEndOfLife: true }),
    invocation,
    options,
    labOptions: { fixCa: options.fixCa ?? true, fixPilot: options.fixPilot ?? true },
    from: kind === 'apply' ? 'needs' : 'lab',
    needs: (steps) => {
      const { required } = makePlan(steps, { kind: 'apply', targets: stepsOf(command, steps) });
      return required.map(({ id }) => id);
    },
    body: (session) =>
      withLabLock(session, async () => {
        const steps = allSteps(session.app.lab);
        const run = await planAndRun(session, steps, { kind, targets: stepsOf(command, steps) });
        const text = run.error === undefined ? summarize(run, session.screen.answer).join('\n') : '';
        return { data: runData(run), text, run, ...(run.error === undefined ? {} : { error: run.error }) };
      }),
  });
}
