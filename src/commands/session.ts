import { setMaxListeners } from 'node:events';
import { realApp, rehearsedApp, loadEnvironment, type App } from '../app.ts';
import { asCliError, CliError } from '../errors/cli-error.ts';
import { EXIT, type ExitCode } from '../errors/reasons.ts';
import type { GlobalOptions, Invocation, RehearsalStart } from '../invocation.ts';
import { explainThrown } from '../plan/explain.ts';
import type { LabOptions } from '../steps/lab.ts';
import type { LabStep } from '../steps/lab-step.ts';
import { quoteCommand } from '../system/quote.ts';
import { renderError } from '../ui/error-screen.ts';
import { wrapText } from '../ui/wrap.ts';
import { jsonDocument } from '../ui/json.ts';
import { createLogReporter } from '../ui/log.ts';
import { combineReporters, type Reporter } from '../ui/reporter.ts';
import { createScreen, type Screen } from '../ui/screen.ts';
import type { CommandOutput, Session } from './command.ts';
import { rehearsalSummary, prepareRehearsal, rehearsalFigures } from './rehearsal.ts';

export interface SessionSpec {
  readonly command: string;
  readonly invocation: Invocation;
  readonly options: GlobalOptions;
  readonly labOptions?: LabOptions;
  /** Where a rehearsal of this command starts without `--from`. */
  readonly from: RehearsalStart;
  /** Ids of the steps that are already done in a rehearsal with `--from needs`. */
  readonly needs?: (steps: readonly LabStep[]) => readonly string[];
  /** Print the warning about an end-of-life Istio; in every command it would be noise. */
  readonly warnsOfEndOfLife?: true;
  /** Prepares what a rehearsal of this command needs besides its `--from` state. */
  readonly prepare?: (session: Session) => Promise<void>;
  readonly body: (session: Session) => Promise<CommandOutput>;
}

/**
 * Runs a command: sets up the configuration, system interfaces, screen, log and interrupts, and prints errors.
 * @returns the exit code
 */
export async function runSession(spec: SessionSpec): Promise<ExitCode> {
  const { invocation, options, labOptions = { fixCa: true, fixPilot: true } } = spec;
  const { stdout, stderr, env } = invocation;
  const interrupt = new AbortController();
  // Every command, wait and download of the run listens to this signal.
  setMaxListeners(0, interrupt.signal);
  let app: App | undefined;
  let screen = createScreen({ options, env, stdout, stderr, clock: { now: () => 0 } });
  let answer: CommandOutput;
  try {
    checkOptions(options);
    const environment = await loadEnvironment(invocation, options);
    const current = options.rehearse
      ? await rehearsedApp(environment, labOptions, options.fault)
      : realApp(environment, labOptions);
    app = current;
    const { clock } = current.lab.system;
    screen = createScreen({ options, env, stdout, stderr, clock });
    const reporter = combineReporters(screen.reporter, createLogReporter(current.log));
    listenForInterrupts(invocation, interrupt, current, reporter);
    const { warnings, endOfLife } = environment.loaded;
    const all = spec.warnsOfEndOfLife && endOfLife !== undefined ? [...warnings, endOfLife] : warnings;
    for (const text of all) reporter.event({ type: 'warning', at: clock.now(), text });

    const commandLine = quoteCommand('istio-vms', invocation.argv);
    const session: Session = {
      app: current,
      environment,
      options,
      labOptions,
      commandLine,
      screen,
      reporter,
      signal: interrupt.signal,
    };
    answer = 'rehearsal' in current ? await rehearsed(spec, session) : await spec.body(session);
  } catch (thrown) {
    answer = { data: {}, text: '', error: explainThrown(thrown) };
  }
  await screen.reporter.finish();
  await app?.log.flush();
  return show(spec, answer, screen, app);
}

function checkOptions(options: GlobalOptions): void {
  if (options.rehearse) return;
  if (options.fault.length > 0 || options.from !== undefined) {
    throw new CliError('usage-error', {
      message: '--fault and --from need --rehearse.',
      hint: 'Add --rehearse.',
    });
  }
}

async function rehearsed(spec: SessionSpec, session: Session): Promise<CommandOutput> {
  const { rehearsal } = session.app;
  if (rehearsal === undefined) return spec.body(session);
  session.reporter.event({
    type: 'notice',
    at: session.app.lab.system.clock.now(),
    text: 'Rehearsal: simulated world; nothing real is touched.',
  });
  const { prepare } = spec;
  if (prepare !== undefined) await rehearsal.drive(() => prepare(session));
  const begun = await prepareRehearsal(rehearsal, session, spec.options.from ?? spec.from, spec.needs ?? (() => []));
  const answer = await rehearsal.drive(() => spec.body(session));
  const figures = rehearsalFigures(rehearsal, session, begun, answer.run);
  return { ...answer, data: { ...answer.data, rehearsal: figures }, closing: rehearsalSummary(figures) };
}

const ABORTED = 'Aborted. Re-run the same command to resume.';

/** First interrupt: start nothing new. Second: quit at once. */
function listenForInterrupts(invocation: Invocation, interrupt: AbortController, app: App, reporter: Reporter): void {
  invocation.onSignal(() => {
    if (interrupt.signal.aborted) {
      reporter.abandon();
      app.killAll();
      invocation.stderr.write(`${ABORTED}\n`);
      invocation.exit(EXIT.interrupted);
      return;
    }
    reporter.event({
      type: 'notice',
      at: app.lab.system.clock.now(),
      text: 'Interrupted. Finishing in-flight operations; press Ctrl-C again to quit now.',
    });
    interrupt.abort(new CliError('interrupted', { message: 'Interrupted.' }));
  });
}

function show(
  { command, invocation, options }: SessionSpec,
  answer: CommandOutput,
  screen: Screen,
  app: App | undefined,
): ExitCode {
  const { error } = answer;
  if (options.output === 'json') {
    invocation.stdout.write(jsonDocument(command, error === undefined ? 'ok' : 'error', answer.data, error));
  } else if (answer.text !== '') {
    // A blank line between the progress and the output; on stderr, so that stdout starts with the output.
    if (!options.quiet) invocation.stderr.write('\n');
    invocation.stdout.write(`${answer.text.trimEnd()}\n`);
  }
  if (answer.closing !== undefined && !options.quiet) {
    const lines = wrapText(answer.closing, screen.width - 1).map(screen.paint.dim);
    invocation.stderr.write(`\n${lines.join('\n')}\n`);
  }
  if (error === undefined && answer.report !== undefined && !options.quiet) {
    invocation.stderr.write(`${screen.paint.dim(`Report: ${answer.report}`)}\n`);
  }
  if (error === undefined) return EXIT.done;
  const real = app !== undefined && app.rehearsal === undefined;
  invocation.stderr.write(
    renderError(asCliError(error), {
      paint: screen.paint,
      width: screen.width,
      logPath: real ? app.log.path : undefined,
      reportPath: answer.report,
      seen: answer.run?.steps,
    }),
  );
  return error.exitCode;
}
