import type { App, Environment } from '../app.ts';
import type { CliError } from '../errors/cli-error.ts';
import type { GlobalOptions } from '../invocation.ts';
import type { RunReport } from '../plan/report.ts';
import type { LabOptions } from '../steps/lab.ts';
import { silentContext } from '../system/context.ts';
import type { Context } from '../system/system.ts';
import type { Reporter } from '../ui/reporter.ts';
import type { Screen } from '../ui/screen.ts';

/** What a command works with. */
export interface Session {
  readonly app: App;
  readonly environment: Environment;
  readonly options: GlobalOptions;
  readonly labOptions: LabOptions;
  /** The command line, pasteable. */
  readonly commandLine: string;
  readonly screen: Screen;
  /** Receives all events; prints them and writes the log. */
  readonly reporter: Reporter;
  /** Aborted at the first interrupt. */
  readonly signal: AbortSignal;
}

/** The context for reads between the steps of a command; their progress is not shown. */
export const contextOf = ({ signal }: Pick<Session, 'signal'>): Context => silentContext(signal);

/** The result of a command: the output in both formats, and the error if there is one. */
export interface CommandOutput {
  /** For `--output json`. */
  readonly data: Readonly<Record<string, unknown>>;
  /** For stdout; may be empty. */
  readonly text: string;
  readonly error?: CliError;
  /** The run behind it, for the error screen. */
  readonly run?: RunReport;
  /** Path of the run report, if it is a real file. */
  readonly report?: string;
  /** Final lines on stderr, with the progress, so that stdout holds only the command's output. */
  readonly closing?: string;
}
