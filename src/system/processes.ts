import { access, constants } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { execa } from 'execa';
import { CliError } from '../errors/cli-error.ts';
import { CommandError, type CommandFailure } from './command-error.ts';
import type { Command, CommandResult, FileInput, Processes } from './system.ts';
import { tarStream } from './pack.ts';

/** How long a process group may take to end gracefully before it is killed (milliseconds). */
const GRACE_MS = 3000;

export interface RealProcesses extends Processes {
  /** Kills every running command, including writes: for the second Ctrl-C. */
  killAll(): void;
}

/** A running process group. */
interface Running {
  readonly pid: number;
  /** Whether an interrupt may end it: it is read-only or idempotent. */
  readonly cuttable: boolean;
  /** Signals sent before SIGKILL. */
  readonly requests: readonly NodeJS.Signals[];
  /** Why it is being ended, once it is. */
  ending?: CommandFailure;
  killer?: NodeJS.Timeout;
}

/**
 * The real processes interface, and the only place that starts processes. It never uses a shell: arguments are passed
 * unchanged.
 *
 * Each command leads its own process group (and session). So the terminal's Ctrl-C reaches only istio-vms, no program
 * can prompt on the terminal, and ending a command ends its children too.
 *
 * @param graceMs from SIGTERM to SIGKILL
 */
export function createProcesses(graceMs = GRACE_MS): RealProcesses {
  const running = new Set<Running>();
  // If istio-vms exits early (a bug, process.exit), none of its child processes may keep running.
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
    // The group leader has exited; kill the members of its group that ignored the first signal.
    if (group.ending !== undefined) signalGroup(group.pid, 'SIGKILL');
  };

  return {
    async run(command, { signal }) {
      await refuseMissingInput(command);
      // After the last await: from here on nothing can happen before the program starts.
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
        // A read may be cut off at any point. A write may not, unless it is marked interruptible: the daemon behind it
        // continues anyway, and a half-finished launch is harder to resume than a complete one. A second interrupt ends
        // it at once.
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
  // A program that cannot be started has printed nothing; the system's error message is shown as its stderr.
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

/** Calls `tell` with each complete line of a stream; its other readers still get everything. */
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

/** Without input, stdin is the null device, so that a program that prompts gets end-of-file. */
function input({ stdin }: Command): Input {
  if (stdin === undefined) return { stdin: 'ignore' };
  if (typeof stdin === 'string' || stdin instanceof Uint8Array) return { input: stdin };
  return 'file' in stdin ? { inputFile: stdin.file } : { input: tarStream(stdin.tar) };
}

/** A missing input file would be mistaken for a missing program (both are ENOENT). */
async function refuseMissingInput({ stdin, file }: Command): Promise<void> {
  for (const path of inputFiles(stdin)) {
    await access(path, constants.R_OK).catch((cause: unknown) => {
      throw new CliError('permission-denied', {
        message: `${path} cannot be read, and ${file} needs it as its input.`,
        hint: 'Run the step that creates the file again.',
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
    // The group has already exited by itself.
  }
}
