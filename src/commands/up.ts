import type { CliError } from '../errors/cli-error.ts';
import type { ExitCode } from '../errors/reasons.ts';
import type { GlobalOptions, Invocation } from '../invocation.ts';
import { formerMachines, formerMachinesStep, formerNames } from '../steps/former-machines.ts';
import { formerPlanesStep } from '../steps/former-planes.ts';
import type { Lab } from '../steps/lab.ts';
import { leftoversStep } from '../steps/leftovers.ts';
import { labSteps } from '../steps/steps.ts';
import { summarize } from '../ui/summary.ts';
import { chooseChecks } from '../verify/checks.ts';
import { whileAlone } from './alone.ts';
import { outOfBundle, simulateBundle, withoutNetwork } from './out-of-bundle.ts';
import { carryOut, runData } from './carry-out.ts';
import type { Answer, Session } from './command.ts';
import { observedCheck, observedStep } from './observed.ts';
import { pictured, type Draft } from './picture.ts';
import { session } from './session.ts';
import { reportText, runChecks, verifyData } from './verify.ts';

interface UpOptions extends GlobalOptions {
  readonly delete?: boolean;
  readonly recreate?: boolean;
  readonly prune?: boolean;
  readonly skipVerify?: boolean;
  /** A file out of which everything comes. */
  readonly bundle?: string;
  /** Where the picture of the run goes. */
  readonly report?: string;
}

/** Everything, in dependency order, whatever can run at once at once; ends with the proofs. */
export async function up(invocation: Invocation, options: UpOptions): Promise<ExitCode> {
  const kind = options.delete === true ? 'delete' : options.recreate === true ? 'recreate' : 'apply';
  const { bundle } = options;
  return session({
    command: 'up',
    warnsOfEndOfLife: true,
    invocation,
    options: bundle === undefined ? options : withoutNetwork(options),
    from: kind === 'apply' ? 'nothing' : 'lab',
    ...(bundle !== undefined && { prepare: (work: Session) => simulateBundle(work, bundle) }),
    body: async (asked) => {
      const work = bundle === undefined ? asked : await outOfBundle(asked, bundle);
      return whileAlone(work, () =>
        pictured(work, { kind, file: options.report }, async (draft): Promise<Answer> => {
          const { lab, record } = work.app;
          const all = [
            ...labSteps(lab),
            ...(options.prune === true ? [leftoversStep(lab), formerPlanesStep(lab)] : []),
            ...(options.prune === true || kind !== 'apply'
              ? [formerMachinesStep(lab, { whenInUse: kind !== 'apply' })]
              : []),
          ];
          const steps = all.map((step) => observedStep(step, record));
          const run = await carryOut(work, steps, { kind, targets: 'all' });
          draft.run = run;
          if (run.error !== undefined) return { data: runData(run), text: '', run, error: run.error };
          const summary = `${summarize(run, work.screen.answer).join('\n')}${await notes(lab)}`;
          if (kind === 'delete' || options.skipVerify === true) return { data: runData(run), text: summary, run };
          return verified(work, draft, run.changed === 0, { data: runData(run), text: summary, run });
        }),
      );
    },
  });
}

/** What a run without `--prune` leaves as it is, and why that matters. */
async function notes(lab: Lab): Promise<string> {
  // The record is read first: without a former name no engine is asked.
  if ((await formerNames(lab)).length === 0) return '';
  const names = (await formerMachines(lab)).recorded.map(({ name }) => name);
  if (names.length === 0) return '';
  return `\nLeft over from former settings: ${names.join(', ')}; \`istio-vms up --prune\` deletes ${names.length === 1 ? 'it' : 'them'}.`;
}

/** After a run that changed nothing only those proofs are made that change nothing either. */
async function verified(work: Session, draft: Draft, readOnly: boolean, answer: Answer): Promise<Answer> {
  const checks = chooseChecks({ names: [], strict: false, networkPolicy: false, readOnly });
  const observed = checks.map((check) => observedCheck(check, work.app.record));
  const report = await runChecks(work, observed, (result) => draft.proofs.push(result));
  const leftOut = readOnly
    ? '\nProofs that would disturb the lab were left out; `istio-vms verify` makes them all.'
    : '';
  const error: CliError | undefined = report.error;
  return {
    ...answer,
    data: { ...answer.data, verify: verifyData(report) },
    text: `${reportText(report, work.screen.answer)}\n\n${answer.text}${leftOut}`,
    ...(error === undefined ? {} : { error }),
  };
}
