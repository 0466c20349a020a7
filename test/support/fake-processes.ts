import { CommandError, type CommandFailure } from '../../src/system/command-error.ts';
import type { Command, CommandResult, Processes } from '../../src/system/system.ts';
import { quoteCommand } from '../../src/system/quote.ts';

/** What a program answers: nothing said means exit code 0 and silence. */
export interface Answer {
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** Fails in another way than by its exit code. */
  readonly failure?: CommandFailure;
}

export type Reply = Answer | ((command: Command) => Answer | Promise<Answer>);

export interface FakeProcesses extends Processes {
  /** Every command so far, as one would paste it. */
  readonly lines: readonly string[];
  readonly commands: readonly Command[];
  /**
   * What this exact command answers. With several replies each is given once, in order, and then the command is refused;
   * a single reply is given each time.
   */
  on(line: string, ...replies: Reply[]): FakeProcesses;
}

/** A strict stand-in: a command that nobody told it about is an error of the test's, not an answer. */
export function fakeProcesses(): FakeProcesses {
  const replies = new Map<string, Reply[]>();
  const commands: Command[] = [];
  const lines: string[] = [];

  const next = (line: string): Reply => {
    const left = replies.get(line);
    if (left === undefined) throw new Error(`nobody told the fake about: ${line}`);
    const [reply, ...later] = left;
    if (reply === undefined) throw new Error(`asked more often than told: ${line}`);
    replies.set(line, later);
    return reply;
  };

  const fake: FakeProcesses = {
    lines,
    commands,
    on(line, ...given) {
      const [only] = given;
      const never = given.length === 1 && only !== undefined;
      replies.set(line, never ? new Array<Reply>(1000).fill(only) : given);
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
