import type { CliError } from '../errors/cli-error.ts';
import type { ExitCode } from '../errors/reasons.ts';
import type { GlobalOptions, Invocation } from '../invocation.ts';
import { formerMachines, formerMachinesStep, formerNames } from '../steps/former-machines.ts';
import { formerPlanesStep } from '../steps/former-planes.ts';
import type { Lab } from '../steps/lab.ts';
import { leftoversStep } from '../steps/leftovers.ts';
import { labSteps } from '../steps/steps.ts';
import { summarize } from '../ui/summary.ts';
import { checksOf, chooseChecks } from '../verify/checks.ts';
import { withLabLock } from './lab-lock.ts';
import { useBundle, simulateBundle, rehearseOffline } from './bundle-mode.ts';
import { planAndRun, runData } from './run-plan.ts';
import { contextOf, type CommandOutput, type Session } from './command.ts';
import { instrumentedCheck, instrumentedStep } from './instrumented.ts';
import { withRunReport, type ReportDraft } from './run-report.ts';
import { runSession } from './session.ts';
import { reportText, runChecks, verifyData } from './verify.ts';

interface UpOptions extends GlobalOptions {
  readonly delete?: boolean;
  readonly recreate?: boolean;
  readonly prune?: boolean;
  readonly skipVerify?: boolean;
  /** Path of the bundle that replaces all downloads. */
  readonly bundle?: string;
  /** Path of the run report. */
  readonly report?: string;
}

/** Creates the lab in dependency order, in parallel where possible, and verifies it at the end. */
export async function up(invocation: Invocation, options: UpOptions): Promise<ExitCode> {
  const kind = options.delete === true ? 'delete' : options.recreate === true ? 'recreate' : 'apply';
  const { bundle } = options;
  return runSession({
    command: 'up',
    warnsOfEndOfLife: true,
    invocation,
    options: bundle === undefined ? options : rehearseOffline(options),
    from: kind === 'apply' ? 'nothing' : 'lab',
    ...(bundle !== undefined && { prepare: (session: Session) => simulateBundle(session, bundle) }),
    body: async (asked) => {
      const session = bundle === undefined ? asked : await useBundle(asked, bundle);
      return withLabLock(session, () =>
        withRunReport(session, { kind, file: options.report }, async (draft): Promise<CommandOutput> => {
          const { lab, record } = session.app;
          const all = [
            ...labSteps(lab),
            ...(options.prune === true ? [leftoversStep(lab), formerPlanesStep(lab)] : []),
            ...(options.prune === true || kind !== 'apply'
              ? [formerMachinesStep(lab, { whenInUse: kind !== 'apply' })]
              : []),
          ];
          const steps = all.map((step) => instrumentedStep(step, record));
          const run = await planAndRun(session, steps, { kind, targets: 'all' });
          draft.run = run;
          if (run.error !== undefined) return { data: runData(run), text: '', run, error: run.error };
          const summary = `${summarize(run, session.screen.answer).join('\n')}${await notes(lab, session)}`;
          if (kind === 'delete' || options.skipVerify === true) return { data: runData(run), text: summary, run };
          return verified(session, draft, run.changed === 0, { data: runData(run), text: summary, run });
        }),
      );
    },
  });
}

/** What a run without `--prune` leaves in place, and why that matters. */
async function notes(lab: Lab, session: Session): Promise<string> {
  // The record is read first: without previous names there is nothing to query from the engine.
  if ((await formerNames(lab)).length === 0) return '';
  const names = (await formerMachines(lab, contextOf(session))).recorded.map(({ name }) => name);
  if (names.length === 0) return '';
  return `\nLeft over from previous settings: ${names.join(', ')}; \`istio-vms up --prune\` deletes ${names.length === 1 ? 'it' : 'them'}.`;
}

/** After a run that changed nothing, runs only the checks that change nothing. */
async function verified(
  session: Session,
  draft: ReportDraft,
  readOnly: boolean,
  answer: CommandOutput,
): Promise<CommandOutput> {
  const checks = chooseChecks(
    { names: [], strict: false, networkPolicy: false, readOnly },
    checksOf(session.app.lab.config),
  );
  const observed = checks.map((check) => instrumentedCheck(check, session.app.record));
  const report = await runChecks(session, observed, (result) => draft.checks.push(result));
  const leftOut = readOnly ? '\nChecks that change the lab were skipped; `istio-vms verify` runs all checks.' : '';
  const error: CliError | undefined = report.error;
  return {
    ...answer,
    data: { ...answer.data, verify: verifyData(report) },
    text: `${reportText(report, session.screen.answer)}\n\n${answer.text}${leftOut}`,
    ...(error === undefined ? {} : { error }),
  };
}
