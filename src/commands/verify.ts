import { CliError } from '../errors/cli-error.ts';
import type { ExitCode } from '../errors/reasons.ts';
import type { GlobalOptions, Invocation } from '../invocation.ts';
import { counted, duration, notice } from '../plan/text.ts';
import { withLabLock } from './lab-lock.ts';
import { requireTools } from './tools.ts';
import { experimentsIn, removeExperiments } from '../steps/experiments.ts';
import { renderTable, type Cell } from '../ui/table.ts';
import type { Styles } from '../ui/styles.ts';
import type { Check, CheckResult } from '../verify/check.ts';
import { firstCause } from '../verify/causes.ts';
import { checksOf, chooseChecks } from '../verify/checks.ts';
import { verify as runVerify } from '../verify/verify.ts';
import { clusterSnapshotFor } from '../verify/snapshot.ts';
import { contextOf, type Session } from './command.ts';
import { runSession } from './session.ts';

interface VerifyOptions extends GlobalOptions {
  readonly strict?: boolean;
  readonly networkPolicy?: boolean;
  readonly list?: boolean;
}

export interface VerifyReport {
  readonly results: readonly CheckResult[];
  readonly ms: number;
  readonly error?: CliError;
}

/** Verifies the lab: every check by name, with evidence. Exit code 7 if one fails. */
export async function verify(
  invocation: Invocation,
  options: VerifyOptions,
  names: readonly string[],
): Promise<ExitCode> {
  return runSession({
    command: 'verify',
    invocation,
    options,
    from: 'lab',
    async body(session) {
      const { paint, width } = session.screen.answer;
      const all = checksOf(session.app.lab.config);
      if (options.list === true) {
        const rows = all.map(({ name, title, optional }) => [
          name,
          title,
          optional === undefined ? '' : `--${optional}`,
        ]);
        return {
          data: { checks: all.map(({ name, title, optional }) => ({ name, title, optional })) },
          text: renderTable({ rows, width, paint }),
        };
      }
      const checks = chooseChecks(
        { names, strict: options.strict === true, networkPolicy: options.networkPolicy === true },
        all,
      );
      await requireTools(session.app.lab, ['machines', 'kubectl'], contextOf(session));
      const { lab } = session.app;
      const prove = async (): Promise<VerifyReport> => {
        await removeLeftExperiments(session);
        return runChecks(session, checks);
      };
      // A read-only run needs no lock. Experiments may belong to a verify that is still running; only a run that holds
      // the lock can tell that they are leftovers.
      const alone =
        checks.some(({ mutatesLab: disturbs }) => disturbs === true) ||
        (await experimentsIn(lab, await clusterSnapshotFor(lab, contextOf(session)), contextOf(session))).length > 0;
      const report = await (alone ? withLabLock(session, prove) : runChecks(session, checks));
      return {
        data: verifyData(report),
        text: reportText(report, session.screen.answer),
        ...(report.error === undefined ? {} : { error: report.error }),
      };
    },
  });
}

/** Removes policies that an interrupted `verify` left behind, because they would make checks fail. */
async function removeLeftExperiments(session: Session): Promise<void> {
  const { app, reporter } = session;
  const { lab } = app;
  const context = contextOf(session);
  const left = async () => experimentsIn(lab, await clusterSnapshotFor(lab, context), context);
  if ((await left()).length === 0) return;
  // The other run may have deleted its own experiments while this one waited for the lock.
  lab.kubectl.forget();
  const say = (text: string): void =>
    reporter.event({
      type: 'notice',
      at: lab.system.clock.now(),
      text: notice(text),
    });
  await removeExperiments(lab, await left(), { ...context, say });
}

/** Runs the checks and reports the progress of each. */
export async function runChecks(
  session: Session,
  checks: readonly Check[],
  onResult: (result: CheckResult) => void = () => undefined,
): Promise<VerifyReport> {
  const { lab } = session.app;
  const { clock } = lab.system;
  const { event } = session.reporter;
  const startedAt = clock.now();
  let current = checks[0]?.name ?? '';
  event({
    type: 'checks-started',
    at: startedAt,
    checks: checks.map(({ name, title }) => ({ id: name, title })),
  });
  const context = {
    signal: session.signal,
    say: (text: string) => event({ type: 'check-said', at: clock.now(), id: current, text }),
  };
  const report = (check: Check, phase: 'start' | CheckResult): void => {
    const at = clock.now();
    if (phase === 'start') {
      current = check.name;
      event({ type: 'check-started', at, id: check.name });
      return;
    }
    onResult(phase);
    const { outcome, evidence, durationMs: ms } = phase;
    event({ type: 'check-done', at, id: check.name, outcome, evidence, ms });
  };
  const results = await runVerify(lab, checks, context, report).finally(() =>
    event({ type: 'checks-finished', at: clock.now() }),
  );
  const ended = { results, ms: clock.now() - startedAt };
  return results.every(({ ok }) => ok) ? ended : { ...ended, error: failure(results) };
}

/** The error for failed checks: the first cause is the message and the hint, the rest are the details. */
function failure(results: readonly CheckResult[]): CliError {
  const cause = firstCause(results);
  const others = results.filter((result) => result.outcome === 'failed' && result !== cause);
  const skipped = results.filter(({ outcome }) => outcome === 'skipped').map(({ name }) => name);
  const line = (result: CheckResult): string => {
    const { name, title, evidence, hint } = result;
    const because = result.cause === undefined || result.cause === name ? '' : ` (explained by ${result.cause})`;
    return `${name} (${title}): ${evidence}${because}${hint === undefined ? '' : `; try ${hint}`}`;
  };
  return new CliError('verify-failed', {
    message: cause === undefined ? counts(results) : `${cause.name}: ${cause.evidence} (${counts(results)})`,
    details: [
      ...(cause === undefined ? [] : [line(cause)]),
      ...others.map(line),
      ...(skipped.length === 0 ? [] : [`Skipped: ${skipped.join(', ')}`]),
    ],
    ...(cause?.hint === undefined ? {} : { hint: cause.hint }),
  });
}

/** `2 of 13 checks failed, 4 skipped` */
function counts(results: readonly CheckResult[]): string {
  const count = (outcome: CheckResult['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length;
  const skipped = count('skipped');
  return `${count('failed')} of ${counted(results.length, 'check')} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

export function verifyData(report: VerifyReport): Readonly<Record<string, unknown>> {
  return {
    ok: report.error === undefined,
    ms: report.ms,
    checks: report.results.map(({ name, title, ok, outcome, evidence, hint, cause, durationMs }) => ({
      name,
      title,
      ok,
      outcome,
      evidence,
      hint,
      cause,
      durationMs,
    })),
    ...(report.error === undefined ? {} : { cause: firstCause(report.results)?.name }),
  };
}

export function reportText(
  report: VerifyReport,
  { paint, width }: { readonly paint: Styles; readonly width: number },
): string {
  const rows = report.results.map((result) => [verdictCell(result, paint), result.name, result.evidence]);
  const passed = report.results.filter(({ ok }) => ok).length;
  const failed = passed === report.results.length ? '' : `; ${counts(report.results)}`;
  const last = `${passed} of ${counted(report.results.length, 'check')} passed in ${duration(report.ms)}${failed}.`;
  const cause = firstCause(report.results);
  const first = cause === undefined ? '' : `\nCause: ${cause.name}: ${cause.evidence}`;
  return `${renderTable({ head: ['', 'check', 'evidence'], rows, width, paint }).trimEnd()}\n\n${last}${first}`;
}

function verdictCell({ outcome }: CheckResult, paint: Styles): Cell {
  if (outcome === 'passed') return { text: 'pass', paint: paint.success };
  return outcome === 'skipped' ? { text: 'skip', paint: paint.dim } : { text: 'FAIL', paint: paint.error };
}
