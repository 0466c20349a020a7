import type { ExitCode } from './errors/reasons.ts';
import type { RealSystem } from './system/index.ts';

/** What `main.ts` hands in: the edge of the process as values, so that a test can be the edge. */
export interface Invocation {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** As Node names them, e.g. `darwin` and `arm64`. */
  readonly platform: string;
  readonly arch: string;
  readonly pid: number;
  /** The answer. */
  readonly stdout: Output;
  /** The story. */
  readonly stderr: Output;
  /** Calls back at each interrupt or termination signal. */
  readonly onSignal: (act: () => void) => void;
  /** Interfaces to the outside. Absent: the real ones; the documents are generated over simulated ones. */
  readonly system?: RealSystem;
  /** Leaves at once: only for the second interrupt. */
  readonly exit: (code: ExitCode) => void;
}

export type Output = NodeJS.WriteStream;

/** How long another run is waited for when nobody says, in seconds: about as long as an `up` takes. */
export const LOCK_TIMEOUT_S = 600;

/** Options that every command takes. */
export interface GlobalOptions {
  readonly output: 'text' | 'json';
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Path of the configuration file; absent means `run.env` here, if it exists. */
  readonly config?: string;
  /** `NAME=VALUE` from `--set`. */
  readonly set: Readonly<Record<string, string>>;
  readonly rehearse: boolean;
  /** Where a rehearsal begins. */
  readonly from?: RehearsalStart;
  readonly fault: readonly string[];
  /** Seconds that a command which changes something waits for another one that does; 0: not at all. */
  readonly lockTimeout?: number;
}

export const REHEARSAL_STARTS = ['nothing', 'needs', 'lab', 'real'] as const;

/**
 * `nothing`: an empty computer. `needs`: what the command needs is there. `lab`: all is there. `real`: what is really
 * there now.
 */
export type RehearsalStart = (typeof REHEARSAL_STARTS)[number];
