import { CommandError, type CommandFailure } from '../../src/system/command-error.ts';
import type { Command, CommandResult, Processes } from '../../src/system/system.ts';
import { quoteCommand } from '../../src/system/quote.ts';

/** The result of a program; by default exit code 0 without output. */
export interface Answer {
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** Fails in another way than by its exit code. */
  readonly failure?: CommandFailure;
}

export type Reply = Answer | ((command: Command) => Answer | Promise<Answer>);

export interface FakeProcesses extends Processes {
  /** Every command so far, as a quoted command line. */
  readonly lines: readonly string[];
  readonly commands: readonly Command[];
  /**
   * Defines the replies to this exact command. Several replies are given once each, in order, and any further call is an
   * error; a single reply is given each time.
   */
  on(line: string, ...replies: Reply[]): FakeProcesses;
}

/** A strict fake: a command without a defined reply is an error of the test. */
export function fakeProcesses(): FakeProcesses {
  const replies = new Map<string, Reply[]>();
  const commands: Command[] = [];
  const lines: string[] = [];

  const next = (line: string): Reply => {
    const remaining = replies.get(line);
    if (remaining === undefined) throw new Error(`no reply is defined for: ${line}`);
    const [reply, ...later] = remaining;
    if (reply === undefined) throw new Error(`all replies are used up for: ${line}`);
    replies.set(line, later);
    return reply;
  };

  const fake: FakeProcesses = {
    lines,
    commands,
    on(line, ...given) {
      const [only] = given;
      const repeated = given.length === 1 && only !== undefined;
      replies.set(line, repeated ? new Array<Reply>(1000).fill(only) : given);
      return fake;
    },
    async run(command) {
      const line = quoteCommand(command.file, command.args);
      commands.push(command);
      lines.push(line);
      const reply = next(line);
      const answer = typeof reply === 'function' ? await reply(command) : reply;
      const result = resultOf(answer);
      if (answer.failure !== undefined) throw new CommandError(command, answer.failure, result);
      if (result.exitCode !== 0) throw new CommandError(command, 'exit', result);
      return result;
    },
  };
  return fake;
}

export function resultOf({ exitCode = 0, stdout = '', stderr = '', failure }: Answer): CommandResult {
  const code = failure === 'not-found' ? 127 : failure === undefined ? exitCode : -1;
  return { exitCode: code, stdout, stderr, stdoutBytes: Buffer.from(stdout), durationMs: 1 };
}
