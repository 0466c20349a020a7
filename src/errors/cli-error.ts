import { REASONS, type ExitCode, type Reason } from './reasons.ts';

/** The content of an error screen. */
export interface ErrorFacts {
  /** One sentence: what failed and why. */
  readonly message: string;
  /** One thing to try, as a sentence or a command. */
  readonly hint?: string;
  /** All problems, one per line (invalid configuration, several failed steps, several failed checks). */
  readonly details?: readonly string[];
  /** The command that failed, pasteable, secrets masked. */
  readonly command?: string;
  /** The last lines of its stderr, secrets masked. */
  readonly stderrTail?: string;
  readonly cause?: unknown;
}

/** The only error that users see. Any other exception is a bug in istio-vms (`internal-error`, exit code 1). */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly reason: Reason;
  readonly facts: ErrorFacts;

  constructor(reason: Reason, facts: ErrorFacts) {
    super(facts.message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.reason = reason;
    this.facts = facts;
  }

  get exitCode(): ExitCode {
    return REASONS[this.reason];
  }
}

/** Converts anything thrown to a CliError: itself, or `internal-error` with the original as its cause. */
export function asCliError(thrown: unknown): CliError {
  if (thrown instanceof CliError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new CliError('internal-error', {
    message: `Internal error: ${message}`,
    hint: 'This is a bug in istio-vms. Keep the log file: it shows what happened.',
    cause: thrown,
  });
}
