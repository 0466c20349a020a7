import { REASONS, type ExitCode, type Reason } from './reasons.ts';

/** What an error screen shows. Every field is for the person who must act. */
export interface ErrorFacts {
  /** One sentence: what failed and why. */
  readonly message: string;
  /** One thing to try, as a sentence or a command. */
  readonly hint?: string;
  /** All problems at once, a line each (bad configuration, several failed steps, several failed checks). */
  readonly details?: readonly string[];
  /** The command that failed, pasteable, secrets masked. */
  readonly command?: string;
  /** The last lines of its stderr, secrets masked. */
  readonly stderrTail?: string;
  readonly cause?: unknown;
}

/** The one error that people see. Anything else that reaches the edge is a bug of ours (`internal-error`, exit 1). */
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

/** A CliError out of anything thrown: itself, or our own bug with the original as its cause. */
export function asCliError(thrown: unknown): CliError {
  if (thrown instanceof CliError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new CliError('internal-error', {
    message: `Internal error: ${message}`,
    hint: 'This is a bug in istio-vms. Keep the log file: it shows what happened.',
    cause: thrown,
  });
}
