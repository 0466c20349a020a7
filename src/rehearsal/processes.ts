import { posix } from 'node:path';
import { CliError } from '../errors/cli-error.ts';
import { inMemory, packTar } from '../system/archives.ts';
import { CommandError, type CommandFailure } from '../system/command-error.ts';
import type { Command, CommandResult, Context, Files, Processes } from '../system/system.ts';
import { ANSWER_LATE } from './durations.ts';
import { isFaultActive } from './fault-state.ts';
import type { HostProgram, Mesh, ProgramResult, World } from './world.ts';

/** One command that has ended, in the order in which commands ended. */
export interface TranscriptEntry {
  readonly command: Command;
  /** World time, milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** -1 when the command did not end by itself. */
  readonly exitCode: number;
  readonly effect: Command['effect'];
}

export interface SimulatedProcesses extends Processes {
  readonly transcript: readonly TranscriptEntry[];
  /**
   * Kills all running host programs, or those started for `these` commands, as the computer's user could; the work of
   * daemons and machines continues.
   */
  killAll(these?: ReadonlySet<Command>): void;
}

interface ProcessesParts {
  readonly world: World;
  readonly mesh: Mesh;
  readonly files: Files;
  /** Host programs by base name; `istioctl` stands for every istioctl-VERSION. */
  readonly programs: Readonly<Record<string, HostProgram>>;
}

/** A command without a time limit that runs longer than this, in world time, is a bug of its caller. */
const NO_LIMIT_MS = 24 * 3_600_000;

/** The abort reason of a program that was killed: a KILL cannot be forwarded, a TERM can. */
export const KILLED = 'killed';
export const TERMINATED = 'terminated';
/** The abort reason of a program that has ended; without a reason, every command would create a DOMException. */
const ENDED = 'ended';

/**
 * The simulated Processes interface, with the behavior of the real one: a time limit ends any command, an interrupt
 * ends only those that read or are interruptible, and work that a daemon or a machine has begun continues.
 */
export function createProcesses({ world, mesh, files, programs }: ProcessesParts): SimulatedProcesses {
  const { clock } = world;
  const transcript: TranscriptEntry[] = [];
  const running = new Map<AbortController, Command>();
  let answers = 0;

  const run = async (command: Command, { signal }: Context): Promise<CommandResult> => {
    if (signal.aborted) throw new CommandError(command, 'aborted', answer({ exitCode: -1 }, 0));
    const startedAt = clock.now();
    const end = (result: ProgramResult, failure: CommandFailure | undefined): CommandResult => {
      const endedAt = clock.now();
      transcript.push({ command, startedAt, endedAt, exitCode: result.exitCode, effect: command.effect });
      const all = answer(result, endedAt - startedAt);
      if (failure !== undefined) throw new CommandError(command, failure, all);
      return all;
    };
    const program = await findProgram(command);
    if (program === undefined) {
      return end({ exitCode: 127, stderr: `spawn ${command.file} ENOENT` }, 'not-found');
    }
    const stdin = await standardInput(command, files);
    const ended = new AbortController();
    running.set(ended, command);
    const lines: string[] = [];
    const onLine = (line: string): void => {
      if (ended.signal.aborted) return;
      lines.push(`${line}\n`);
      command.onStderrLine?.(line);
    };
    const outcome = await Promise.race([
      program({
        world,
        mesh,
        files,
        args: command.args,
        stdin,
        env: command.env ?? {},
        command,
        tell: onLine,
        signal: ended.signal,
      })
        .catch((cause: unknown) => crash(command, cause))
        .then((result) => onItsWay(command, result, ended.signal)),
      limit(command, ended.signal),
      interrupted(command, signal, ended.signal),
    ]);
    running.delete(ended);
    ended.abort(typeof outcome === 'string' ? TERMINATED : ENDED);
    const progress = lines.join('');
    if (typeof outcome === 'string') return end({ exitCode: -1, stderr: progress }, outcome);
    if (outcome.refused !== undefined) world.refused.push(outcome.refused);
    const whole = { ...outcome, stderr: progress + (outcome.stderr ?? '') };
    return end(whole, outcome.exitCode === 0 ? undefined : 'exit');
  };

  /** Delays some answers, so that what a command has seen may be outdated when its caller gets it. */
  const onItsWay = async ({ effect }: Command, result: ProgramResult, ended: AbortSignal): Promise<ProgramResult> => {
    const late = effect === 'read' && isFaultActive(world, 'answers-late') && answers++ % 2 === 1;
    // The result of a command that was aborted is not used.
    if (late) await clock.sleep(ANSWER_LATE, ended).catch(() => undefined);
    return result;
  };

  const findProgram = async ({ file }: Command): Promise<HostProgram | undefined> => {
    const name = posix.basename(file);
    if (name.startsWith('istioctl')) {
      const real = (await files.stat(file))?.kind === 'link' ? await linkTarget(file) : file;
      const mode = (await files.stat(real))?.mode ?? 0;
      return (mode & 0o111) === 0 ? undefined : programs['istioctl'];
    }
    if (!world.tools.has(name)) return undefined;
    return programs[name];
  };

  const linkTarget = async (path: string): Promise<string> =>
    posix.resolve(posix.dirname(path), (await files.stat(path))?.target ?? '');

  /** Waits on the clock, but leaves no timer when the command ends first. */
  const limit = async (command: Command, ended: AbortSignal): Promise<CommandFailure> => {
    const { timeoutMs = NO_LIMIT_MS } = command;
    await clock.sleep(timeoutMs, ended).catch(() => new Promise(() => undefined));
    if (command.timeoutMs !== undefined) return 'timed-out';
    throw new Error(`rehearsal: this command would never end, and has no time limit: ${shown(command)}`);
  };

  const killAll = (these?: ReadonlySet<Command>): void => {
    for (const [ended, command] of running) if (these?.has(command) !== false) ended.abort(KILLED);
  };

  return { run, transcript, killAll };
}

/** Resolves when the user interrupts and the command may be aborted; otherwise never. */
function interrupted(command: Command, signal: AbortSignal | undefined, ended: AbortSignal): Promise<CommandFailure> {
  return new Promise((resolve) => {
    if (command.effect === 'write' && command.interruptible !== true) return;
    signal?.addEventListener('abort', () => resolve('aborted'), { once: true, signal: ended });
  });
}

async function standardInput({ stdin, file }: Command, files: Files): Promise<Uint8Array> {
  if (stdin === undefined) return new Uint8Array();
  if (typeof stdin === 'string') return Buffer.from(stdin, 'utf8');
  if (stdin instanceof Uint8Array) return stdin;
  if ('file' in stdin) return hostFile(stdin.file, file, files);
  return packTar(await inMemory(stdin.tar, (path) => hostFile(path, file, files)));
}

async function hostFile(path: string, program: string, files: Files): Promise<Uint8Array> {
  const content = await files.read(path);
  if (content !== undefined) return content;
  throw new CliError('permission-denied', {
    message: `${path} cannot be read, and ${program} needs it as its input.`,
    hint: 'Run the step that creates the file again.',
  });
}

function answer(result: ProgramResult, durationMs: number): CommandResult {
  const stdoutBytes = Buffer.from((result.stdout ?? '') as Uint8Array);
  return {
    exitCode: result.exitCode,
    stdout: typeof result.stdout === 'string' ? result.stdout : stdoutBytes.toString('utf8'),
    stderr: result.stderr ?? '',
    stdoutBytes,
    durationMs,
  };
}

/** A simulated program never throws on purpose: an exception is a bug in the simulation. */
function crash(command: Command, cause: unknown): never {
  const why = cause instanceof Error ? cause.message : String(cause);
  throw new Error(`rehearsal: the simulated program failed at ${shown(command)}: ${why}`, { cause });
}

function shown({ file, args }: Command): string {
  const short = args.map((arg) => (arg.length > 60 ? `${arg.slice(0, 57)}...` : arg));
  return [posix.basename(file), ...short].join(' ');
}
