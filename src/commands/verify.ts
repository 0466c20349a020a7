import { CliError } from '../errors/cli-error.ts';
import type { ExitCode } from '../errors/reasons.ts';
import type { GlobalOptions, Invocation } from '../invocation.ts';
import { counted, duration } from '../plan/words.ts';
import { whileAlone } from './alone.ts';
import { requireTools } from './tools.ts';
import { renderTable } from '../ui/table.ts';
import type { Paint } from '../ui/paint.ts';
import type { Check } from '../verify/check.ts';
import { CHECKS, chooseChecks } from '../verify/checks.ts';
import { verify as runVerify, type CheckResult } from '../verify/verify.ts';
import type { Session } from './command.ts';
import { session } from './session.ts';

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

/** Proves the lab: every check by name, with evidence. Exit code 7 if something fails. */
export async function verify(
  invocation: Invocation,
  options: VerifyOptions,
  names: readonly string[],
): Promise<ExitCode> {
  return session({
    command: 'verify',
    invocation,
    options,
    from: 'lab',
    async body(work) {
      const { paint, width } = work.screen.answer;
      if (options.list === true) {
        const rows = CHECKS.map(({ name, title, optional }) => [
          name,
          title,
          optional === undefined ? '' : `--${optional}`,
        ]);
        return {
          data: { checks: CHECKS.map(({ name, title, optional }) => ({ name, title, optional })) },
          text: renderTable({ rows, width, paint }),
        };
      }
      const checks = chooseChecks({
        names,
        strict: options.strict === true,
        networkPolicy: options.networkPolicy === true,
      });
      await requireTools(work.app.lab, ['machines', 'kubectl']);
      const prove = (): Promise<VerifyReport> => runChecks(work, checks);
      // Whoever only looks stands in nobody's way.
      const report = await (checks.some(({ disturbs }) => disturbs === true) ? whileAlone(work, prove) : prove());
      return {
        data: verifyData(report),
        text: reportText(report, work.screen.answer),
        ...(report.error === undefined ? {} : { error: report.error }),
      };
    },
  });
}

/** Runs checks as the steps of a run, so that the screen shows them as it shows steps. */
export async function runChecks(
  work: Session,
  checks: readonly Check[],
  onResult: (result: CheckResult) => void = () => undefined,
): Promise<VerifyReport> {
  const { lab } = work.app;
  const { clock } = lab.doors;
  const { event } = work.reporter;
  const startedAt = clock.now();
  let current = checks[0]?.name ?? '';
  event({
    type: 'run-started',
    at: startedAt,
    direction: 'apply',
    steps: checks.map(({ name, title }) => ({ id: name, title })),
  });
  const context = {
    signal: work.signal,
    say: (text: string) => event({ type: 'step-said', at: clock.now(), id: current, text }),
  };
  const results = await runVerify(lab, checks, context, (check, phase) => {
    const at = clock.now();
    if (phase === 'start') {
      current = check.name;
      event({ type: 'step-started', at, id: check.name });
      return;
    }
    onResult(phase);
    if (phase.ok) {
      event({ type: 'step-done', at, id: check.name, outcome: 'changed', ms: phase.durationMs });
    } else {
      const error = new CliError('verify-failed', { message: phase.evidence });
      event({ type: 'step-failed', at, id: check.name, outcome: 'failed', ms: phase.durationMs, error });
    }
  });
  event({ type: 'run-finished', at: clock.now(), direction: 'apply', steps: [] });
  const failed = results.filter(({ ok }) => !ok);
  const report = { results, ms: clock.now() - startedAt };
  return failed.length === 0 ? report : { ...report, error: failure(failed, results.length) };
}

function failure(failed: readonly CheckResult[], total: number): CliError {
  const hints = [...new Set(failed.flatMap(({ hint }) => hint ?? []))];
  return new CliError('verify-failed', {
    message: `${failed.length} of ${counted(total, 'check')} failed`,
    details: failed.map(
      ({ name, title, evidence, hint }) =>
        `${name} (${title}): ${evidence}${hint === undefined ? '' : `; try ${hint}`}`,
    ),
    ...(hints[0] === undefined ? {} : { hint: hints[0] }),
  });
}

export function verifyData(report: VerifyReport): Readonly<Record<string, unknown>> {
  return {
    ok: report.error === undefined,
    ms: report.ms,
    checks: report.results,
  };
}

export function reportText(
  report: VerifyReport,
  { paint, width }: { readonly paint: Paint; readonly width: number },
): string {
  const rows = report.results.map((result) => [
    result.ok ? { text: 'pass', paint: paint.good } : { text: 'FAIL', paint: paint.bad },
    result.name,
    result.evidence,
  ]);
  const passed = report.results.filter(({ ok }) => ok).length;
  const last = `${passed} of ${counted(report.results.length, 'check')} passed in ${duration(report.ms)}.`;
  return `${renderTable({ head: ['', 'check', 'evidence'], rows, width, paint }).trimEnd()}\n\n${last}`;
}
