import { CliError } from '../errors/cli-error.ts';
import type { StepFinding } from './check.ts';
import type { Plan } from './plan.ts';
import type { StepReport } from './report.ts';
import { commandHint, counted, findingText } from './text.ts';

/**
 * The error of a whole phase: the first real failure, with the others in its details; else the interrupt, if there was
 * one. An interrupt after everything was done does not count.
 */
export function runError(reports: readonly StepReport[]): CliError | undefined {
  const [first, ...others] = failures(reports);
  if (first?.error === undefined) return interruption(reports);
  const { error, title } = first;
  const details = [
    ...(error.facts.details ?? []),
    ...others.map((other) => `Also failed: ${other.title}: ${other.error?.message ?? ''}`),
  ];
  return new CliError(error.reason, {
    ...error.facts,
    message: error.message.startsWith(title) ? error.message : `${title}: ${error.message}`,
    ...(details.length === 0 ? {} : { details }),
  });
}

/** In chronological order. */
function failures(reports: readonly StepReport[]): readonly StepReport[] {
  return reports.filter(({ outcome }) => outcome === 'failed').sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
}

function interruption(reports: readonly StepReport[]): CliError | undefined {
  const count = (outcome: StepReport['outcome']): number =>
    reports.filter((report) => report.outcome === outcome).length;
  const cut = reports.filter(({ outcome }) => outcome === 'interrupted');
  if (cut.length + count('not-started') === 0) return undefined;
  const done = count('ready') + count('changed');
  return new CliError('interrupted', {
    message: `Interrupted: ${counted(done, 'step')} done, ${cut.length} interrupted, ${count('not-started')} not started.`,
    hint: 'Re-run the same command to resume.',
    ...(cut.length === 0 ? {} : { details: cut.map(({ title }) => `Interrupted: ${title}`) }),
  });
}

/** The error for missing prerequisites, with the command that creates each; undefined when none is missing. */
export function unmetPrerequisites(plan: Plan, results: readonly StepFinding[]): CliError | undefined {
  const missing = results.filter(({ finding }) => finding !== 'ready');
  const [first] = missing;
  if (first === undefined) return undefined;
  const commands = [...new Set(missing.map(({ step }) => commandHint(step.command)))];
  const wanted = plan.phases.at(-1)?.steps.map(({ step }) => step.title) ?? [];
  const subject = wanted.length === 1 ? wanted[0] : counted(wanted.length, 'step');
  return new CliError('prerequisite-missing', {
    message: `Missing prerequisites for ${subject ?? 'this'} (${missing.length}); nothing was changed.`,
    details: missing.map(
      ({ step, finding }) => `${step.title}: ${findingText(finding)} (run: ${commandHint(step.command)})`,
    ),
    hint: `Run this first: ${commands.join(' && ')}`,
  });
}
