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
  /** Hears everything that happens: the screen and the log. */
  readonly reporter: Reporter;
  /** Aborted at the first interrupt. */
  readonly signal: AbortSignal;
}

/** For what a command asks between its steps; its progress is not shown. */
export const contextOf = ({ signal }: Pick<Session, 'signal'>): Context => silentContext(signal);

/** What a command comes to: the answer in both forms, and what went wrong, if anything did. */
export interface CommandOutput {
  /** For `--output json`. */
  readonly data: Readonly<Record<string, unknown>>;
  /** For stdout; may be empty. */
  readonly text: string;
  readonly error?: CliError;
  /** The run behind it, for the error screen. */
  readonly run?: RunReport;
  /** Path of the real file that holds the picture of the run. */
  readonly report?: string;
  /** Last words on stderr: part of the story, so that stdout holds nothing but the answer. */
  readonly closing?: string;
}
