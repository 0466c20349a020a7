import type { KnownIssue } from '../errors/known-issue.ts';
import type { Command, CommandResult } from './system.ts';

/** Why a command did not end well. */
export type CommandFailure = 'not-found' | 'exit' | 'timed-out' | 'aborted' | 'killed';

interface CommandErrorOptions extends ErrorOptions {
  readonly issues?: readonly KnownIssue[];
}

/** A command that failed, with the same facts as one that did not (execa's good habit). */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly command: Command;
  readonly failure: CommandFailure;
  /** `exitCode` is 127 when the program was not found, -1 when there is none. */
  readonly result: CommandResult;
  /** What the engine behind the command is known to say. */
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
