import type { ExitCode } from './errors/reasons.ts';
import type { RealSystem } from './system/index.ts';

/** What `main.ts` passes in: the process environment as values, so that tests can provide their own. */
export interface Invocation {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Node's names, e.g. `darwin` and `arm64`. */
  readonly platform: string;
  readonly arch: string;
  readonly pid: number;
  /** For the command's output. */
  readonly stdout: Output;
  /** For progress, warnings and errors. */
  readonly stderr: Output;
  /** Calls back at each interrupt or termination signal. */
  readonly onSignal: (act: () => void) => void;
  /** The system interfaces; by default the real ones. The documentation is generated with simulated ones. */
  readonly system?: RealSystem;
  /** Quits at once; only for the second interrupt. */
  readonly exit: (code: ExitCode) => void;
}

export type Output = NodeJS.WriteStream;

/** Default time to wait for another run, in seconds: about the duration of `up`. */
export const LOCK_TIMEOUT_S = 600;

/** Options of every command. */
export interface GlobalOptions {
  readonly output: 'text' | 'json';
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Path of the configuration file; absent means `run.env` in the working directory, if it exists. */
  readonly config?: string;
  /** `NAME=VALUE` from `--set`. */
  readonly set: Readonly<Record<string, string>>;
  readonly rehearse: boolean;
  /** Where a rehearsal starts. */
  readonly from?: RehearsalStart;
  readonly fault: readonly string[];
  /** Seconds to wait for another command that changes the lab; 0: do not wait. */
  readonly lockTimeout?: number;
}

export const REHEARSAL_STARTS = ['nothing', 'needs', 'lab', 'real'] as const;

/**
 * `nothing`: an empty computer. `needs`: what the command needs exists. `lab`: everything exists. `real`: the current
 * state of the real lab.
 */
export type RehearsalStart = (typeof REHEARSAL_STARTS)[number];
