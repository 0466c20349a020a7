import type { Command, CommandResult } from './system.ts';

/** Why a command did not end well. */
export type CommandFailure = 'not-found' | 'exit' | 'timed-out' | 'aborted' | 'killed';

/** A command that failed, with the same facts as one that did not (execa's good habit). */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly command: Command;
  readonly failure: CommandFailure;
  /** `exitCode` is 127 when the program was not found, -1 when there is none. */
  readonly result: CommandResult;

  constructor(command: Command, failure: CommandFailure, result: CommandResult, options?: ErrorOptions) {
    super(`${command.file} ${sentence[failure](result, command)}`, options);
    this.command = command;
    this.failure = failure;
    this.result = result;
  }
}

const sentence: Record<CommandFailure, (result: CommandResult, command: Command) => string> = {
  'not-found': () => 'was not found',
  exit: (result) => `ended with exit code ${result.exitCode}`,
  'timed-out': (_, command) => `did not end within ${Math.round((command.timeoutMs ?? 0) / 1000)} s`,
  aborted: () => 'was interrupted',
  killed: () => 'was killed',
};
