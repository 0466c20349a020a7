import type { KnownIssue } from '../errors/known-issue.ts';
import type { Command, CommandResult } from './system.ts';

/** Why a command failed. */
export type CommandFailure = 'not-found' | 'exit' | 'timed-out' | 'aborted' | 'killed';

interface CommandErrorOptions extends ErrorOptions {
  readonly issues?: readonly KnownIssue[];
}

/** A failed command, with the same result fields as a successful one (as in execa). */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly command: Command;
  readonly failure: CommandFailure;
  /** `exitCode` is 127 when the program was not found, -1 when there is none. */
  readonly result: CommandResult;
  /** Known issues of the engine behind the command. */
  readonly issues: readonly KnownIssue[];

  constructor(command: Command, failure: CommandFailure, result: CommandResult, options: CommandErrorOptions = {}) {
    super(`${command.file} ${sentence[failure](result, command)}`, options);
    this.command = command;
    this.failure = failure;
    this.result = result;
    this.issues = options.issues ?? [];
  }
}

const sentence: Record<CommandFailure, (result: CommandResult, command: Command) => string> = {
  'not-found': () => 'was not found',
  exit: (result) => `ended with exit code ${result.exitCode}`,
  'timed-out': (_, command) => `did not end within ${Math.round((command.timeoutMs ?? 0) / 1000)}s`,
  aborted: () => 'was interrupted',
  killed: () => 'was killed',
};
