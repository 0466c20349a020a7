import { join } from 'node:path';
import type { Config, MachineSize } from '../config/config.ts';
import { absolutePath } from '../config/paths.ts';
import { CliError } from '../errors/cli-error.ts';
import { explainThrown } from '../plan/explain.ts';
import type { RunReport } from '../plan/report.ts';
import { counted } from '../plan/text.ts';
import type { Host } from '../system/system.ts';
import { renderReport } from '../ui/report/page.ts';
import { mapTexts, failureOf, reportedRun, type ReportData } from '../ui/report/report-data.ts';
import type { CheckResult } from '../verify/check.ts';
import { VERSION } from '../version.ts';
import type { CommandOutput, Session } from './command.ts';

/** The result of a run so far; the run report is written even when it ends early. */
export interface ReportDraft {
  run?: RunReport;
  readonly checks: CheckResult[];
}

export interface ReportSpec {
  readonly kind: RunReport['kind'];
  /** From `--report`: where the run report is written instead of TEMP_DIR. */
  readonly file?: string | undefined;
}

/**
 * Runs a command and writes its run report, however the command ends. A rehearsal writes it to the simulated files
 * unless `--report` names a real file. A run report that cannot be rendered or written causes only a warning.
 */
export async function withRunReport(
  session: Session,
  spec: ReportSpec,
  body: (draft: ReportDraft) => Promise<CommandOutput>,
): Promise<CommandOutput> {
  const { app, environment, reporter } = session;
  const { system, config, mask } = app.lab;
  const path =
    spec.file === undefined ? join(config.paths.temp, 'report.html') : reportPath(spec.file, environment.host);
  const seen = app.record.commands.length;
  const startedAt = system.clock.now();
  const draft: ReportDraft = { checks: [] };
  const answer = await body(draft).catch((thrown: unknown): CommandOutput => ({
    data: {},
    text: '',
    error: explainThrown(thrown),
  }));
  // Nothing was run; keep the run report of the previous run.
  if (draft.run === undefined && spec.file === undefined) return answer;
  const files = spec.file === undefined ? system.files : environment.real.files;
  try {
    const data = reportData(session, spec, { ...answer, draft, startedAt, seen });
    await files.write(path, renderReport(mapTexts(data, (text) => mask.text(text))), 0o600);
  } catch (thrown) {
    const text = `Could not write the run report: ${explainThrown(thrown).message}`;
    reporter.event({ type: 'warning', at: system.clock.now(), text });
    return answer;
  }
  const real = app.rehearsal === undefined || spec.file !== undefined;
  return real ? { ...answer, data: { ...answer.data, report: path }, report: path } : answer;
}

/** @throws CliError `usage-error` for a name that may be one of the user's other files */
function reportPath(file: string, host: Host): string {
  if (/\.html?$/i.test(file)) return absolutePath(file, host);
  throw new CliError('usage-error', {
    message: `--report writes an HTML page, and ${file} does not end in .html; nothing was changed.`,
    hint: `Name it ${file}.html.`,
  });
}

interface EndedCommand extends CommandOutput {
  readonly draft: ReportDraft;
  readonly startedAt: number;
  /** How many commands were recorded before: a rehearsal runs some to prepare its world. */
  readonly seen: number;
}

function reportData(
  session: Session,
  { kind }: ReportSpec,
  { draft, startedAt, seen, error }: EndedCommand,
): ReportData {
  const { app, commandLine } = session;
  const { lab, record, loaded, log, rehearsal } = app;
  const real = rehearsal === undefined;
  return {
    version: VERSION,
    commandLine,
    kind,
    startedAt,
    endedAt: lab.system.clock.now(),
    rehearsal: !real,
    facts: [...labFacts(lab.config, lab.host), ...(real ? [['Log', log.path] as const] : [])],
    warnings: [...loaded.warnings, ...(loaded.endOfLife === undefined ? [] : [loaded.endOfLife])],
    checks: draft.checks,
    commands: record.commands.slice(seen),
    messages: record.messages,
    ...(draft.run === undefined ? {} : { run: reportedRun(draft.run) }),
    ...(error === undefined ? {} : { failure: failureOf(error) }),
  };
}

/** The main settings of the configuration. */
function labFacts({ lab, istio, k3s, workloads, engine, launches }: Config, host: Host): ReportData['facts'] {
  const size = ({ cpus, memory, disk }: MachineSize): string => `${counted(cpus, 'CPU')}, ${memory}, ${disk}`;
  return [
    ['Lab', lab],
    ['Istio', `${istio.version}, revision ${istio.revision}`],
    ['k3s', k3s.version],
    [
      'Nodes',
      `${k3s.master} (${size(k3s.masterSize)}) and ${counted(k3s.workers, 'worker')} (${size(k3s.workerSize)})`,
    ],
    ...workloads.map((vm) => ['VM', `${vm.name} (${size(vm.size)}), ${vm.app} in namespace ${vm.namespace}`] as const),
    ['Machines', `by ${engine}, ${launches} at once`],
    ['Computer', `${host.platform}, ${host.cpu}`],
  ];
}
