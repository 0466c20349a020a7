import { access, constants } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { execa } from 'execa';
import { CliError } from '../errors/cli-error.ts';
import { CommandError, type CommandFailure } from './command-error.ts';
import type { Command, CommandResult, FileInput, Processes } from './system.ts';
import { tarStream } from './pack.ts';

/** How long a process group may take to end in good order before it is killed. */
const GRACE_MS = 3000;

export interface RealProcesses extends Processes {
  /** Ends every command that runs, writes too: for the second Ctrl-C. */
  killAll(): void;
}

/** A running process group. */
interface Running {
  readonly pid: number;
  /** Whether an interrupt may end it: it only reads, or is idempotent. */
  readonly cuttable: boolean;
  /** Signals that ask it to end, before SIGKILL. */
  readonly requests: readonly NodeJS.Signals[];
  /** Why we end it, once we do. */
  ending?: CommandFailure;
  killer?: NodeJS.Timeout;
}

/**
 * The real processes interface, and the one place that starts any. No shell, ever: arguments go to the program as they are.
 *
 * Each command leads a process group (and session) of its own. So the terminal's Ctrl-C reaches us alone, no program
 * can ask questions on the terminal, and ending a command ends its children too.
 *
 * @param graceMs from the polite signal to the hard one
 */
export function createProcesses(graceMs = GRACE_MS): RealProcesses {
  const running = new Set<Running>();
  // Should we ourselves end early (a bug, process.exit), nothing of ours may live on unwatched.
  const atExit = (): void => {
    for (const { pid } of running) signalGroup(pid, 'SIGKILL');
  };

  const end = (group: Running, why: CommandFailure): void => {
    if (group.ending !== undefined) return;
    group.ending = why;
    const send = ([next = 'SIGKILL', ...later]: readonly NodeJS.Signals[]): void => {
      signalGroup(group.pid, next);
      if (next !== 'SIGKILL') group.killer = setTimeout(() => send(later), graceMs);
    };
    send(group.requests);
  };

  const watch = (pid: number, { effect, interruptible }: Command): Running => {
    if (running.size === 0) process.on('exit', atExit);
    const group: Running = {
      pid,
      cuttable: effect === 'read' || interruptible === true,
      requests: interruptible === true ? ['SIGINT', 'SIGTERM'] : ['SIGTERM'],
    };
    running.add(group);
    return group;
  };

  const forget = (group: Running): void => {
    clearTimeout(group.killer);
    running.delete(group);
    if (running.size === 0) process.off('exit', atExit);
    // The leader is gone. Whoever of its group ignored our polite signal is not waited for.
    if (group.ending !== undefined) signalGroup(group.pid, 'SIGKILL');
  };

  return {
    async run(command, { signal }) {
      await refuseMissingInput(command);
      // After every wait: from here to the start of the program nothing can come in between.
      if (signal.aborted) throw new CommandError(command, 'aborted', nothing(-1));
      const child = execa(command.file, command.args, {
        ...input(command),
        env: command.env ?? {},
        detached: true,
        encoding: 'buffer',
        stripFinalNewline: false,
        reject: false,
      });
      const group = child.pid === undefined ? undefined : watch(child.pid, command);
      const timer =
        group === undefined || command.timeoutMs === undefined
          ? undefined
          : setTimeout(() => end(group, 'timed-out'), command.timeoutMs);
      const abort = (): void => {
        // A read may be cut anywhere. A write may not, unless it says so: the daemon behind it goes on in any case, and
        // half a launch is harder to go on from than a whole one. Whoever cannot wait interrupts a second time.
        if (group?.cuttable === true) end(group, 'aborted');
      };
      signal.addEventListener('abort', abort, { once: true });
      if (command.onStderrLine !== undefined) tellLines(child.stderr, command.onStderrLine);
      try {
        const ended = await child;
        const result = asResult(ended);
        const failure = group?.ending ?? failureOf(ended);
        if (failure === undefined) return result;
        throw new CommandError(command, failure, result, { cause: ended.cause });
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        if (group !== undefined) forget(group);
      }
    },
    killAll() {
      for (const group of running) end(group, 'killed');
    },
  };
}

/** The part of execa's result that we read. */
interface Ended {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly code?: string | undefined;
  readonly failed: boolean;
  readonly cause?: unknown;
  readonly stdout?: Uint8Array | undefined;
  readonly stderr?: Uint8Array | undefined;
  readonly durationMs: number;
}

function failureOf(ended: Ended): CommandFailure | undefined {
  if (ended.exitCode === 0) return undefined;
  if (ended.exitCode !== undefined) return 'exit';
  if (ended.signal !== undefined) return 'killed';
  return 'not-found';
}

function asResult(ended: Ended): CommandResult {
  const stdoutBytes = ended.stdout ?? new Uint8Array();
  // A program that cannot be started has said nothing itself; the system's own words are the nearest to a stderr.
  const started = ended.exitCode !== undefined || ended.signal !== undefined;
  const stderr = Buffer.from(ended.stderr ?? []).toString('utf8');
  return {
    exitCode: ended.exitCode ?? (started ? -1 : 127),
    stdout: Buffer.from(stdoutBytes).toString('utf8'),
    stderr: started ? stderr : ended.cause instanceof Error ? ended.cause.message : stderr,
    stdoutBytes,
    durationMs: ended.durationMs,
  };
}

function nothing(exitCode: number): CommandResult {
  return { exitCode, stdout: '', stderr: '', stdoutBytes: new Uint8Array(), durationMs: 0 };
}

/** Tells each line of a stream as soon as it is complete; the stream's other readers get everything as before. */
function tellLines(stream: Readable, tell: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) tell(line);
  });
  stream.on('end', () => {
    if (rest !== '') tell(rest);
  });
}

type Input = { stdin: 'ignore' } | { input: string | Uint8Array | Readable } | { inputFile: string };

/** Nothing to read means the null device: a program that asks gets an end of file, not a person. */
function input({ stdin }: Command): Input {
  if (stdin === undefined) return { stdin: 'ignore' };
  if (typeof stdin === 'string' || stdin instanceof Uint8Array) return { input: stdin };
  return 'file' in stdin ? { inputFile: stdin.file } : { input: tarStream(stdin.tar) };
}

/** A missing input file would look like a missing program (both are ENOENT). */
async function refuseMissingInput({ stdin, file }: Command): Promise<void> {
  for (const path of inputFiles(stdin)) {
    await access(path, constants.R_OK).catch((cause: unknown) => {
      throw new CliError('permission-denied', {
        message: `${path} cannot be read, and ${file} needs it as its input.`,
        hint: 'Run the step that makes the file again.',
        cause,
      });
    });
  }
}

function inputFiles(stdin: Command['stdin']): readonly string[] {
  if (stdin === undefined || typeof stdin === 'string' || stdin instanceof Uint8Array) return [];
  if ('file' in stdin) return [stdin.file];
  const isFile = (content: string | Uint8Array | FileInput): content is FileInput =>
    typeof content === 'object' && 'file' in content;
  return stdin.tar.flatMap(({ content }) => (isFile(content) ? content.file : []));
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended by itself in the meantime.
  }
}
