import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, mkdir, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostProgram, Instance } from '../../src/rehearsal/world.ts';
import { listen } from './listen.ts';
import { installTools, TOOLS, type Tool } from './stand-ins.ts';
import { startWorldServer, type WorldServer } from './world-server.ts';

/** The built CLI. */
export const CLI = resolve('dist/main.js');

/** What a run of the CLI came to. */
export interface Run {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The log that this run wrote; empty when it wrote none. */
  readonly log: string;
}

/** A run that is still under way. */
export interface RunningCli {
  readonly pid: number;
  readonly done: Promise<Run>;
  /** As a terminal does at Ctrl-C: to everyone in the foreground process group. */
  readonly ctrlC: () => void;
  /** A signal to the program alone. */
  readonly send: (signal: NodeJS.Signals) => void;
  /** Resolves when this stands in what it has written to stderr so far. */
  readonly says: (text: string) => Promise<void>;
  /** Closes our ends of its pipes: whatever it writes from now on, nobody reads. */
  readonly deafen: () => void;
}

export interface Computer extends WorldServer {
  /** Working directory of every run. */
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  readonly start: (...args: readonly string[]) => RunningCli;
  readonly run: (...args: readonly string[]) => Promise<Run>;
  readonly install: (tools: readonly Tool[]) => Promise<void>;
  /** Resolves when this stands in a log: for what nobody is told any more. */
  readonly logs: (text: string) => Promise<void>;
  /** Resolves when a file of this name is in the working directory, and takes it away. */
  readonly appears: (name: string) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/**
 * A computer with nothing but the stand-ins on its PATH, and a world behind them. What the CLI finds there, it finds as a
 * real process does: by names on PATH, pipes, signals and files.
 */
export async function createComputer(
  foreign: readonly Pick<Instance, 'name' | 'state'>[] = [],
  programs?: Readonly<Record<string, HostProgram>>,
): Promise<Computer> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'iv-')));
  const [cwd, home, bin] = ['lab', 'home', 'bin'].map((name) => join(directory, name)) as [string, string, string];
  await Promise.all([cwd, home].map((path) => mkdir(path)));
  const server = await startWorldServer({ directory, foreign, ...(programs === undefined ? {} : { programs }) });
  await installTools(bin, server.socket, TOOLS);
  const jitter = process.env['JITTER_MS'] ?? '0';
  const env = { PATH: bin, HOME: home, ARTIFACTS_URL: server.artifactsUrl, NO_COLOR: '1', JITTER_MS: jitter };
  const logs = join(cwd, '.tmp', 'logs');

  const logsBut = async (known: readonly string[]): Promise<string> => {
    const names = (await namesIn(logs)).filter((name) => !known.includes(name));
    return (await Promise.all(names.map((name) => readFile(join(logs, name), 'utf8')))).join('');
  };
  const start = (...args: readonly string[]): RunningCli => {
    // Before it is started, not beside it: it may be the quicker one.
    const before = existsSync(logs) ? readdirSync(logs) : [];
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { pid } = child;
    if (pid === undefined) throw new Error(`${CLI} cannot be started`);
    const [stdout, stderr] = [listen(child.stdout), listen(child.stderr)];
    const done = once(child, 'close').then(async ([exitCode]) => {
      const log = await logsBut(before);
      return { exitCode: exitCode as number | null, stdout: stdout.all(), stderr: stderr.all(), log };
    });
    return {
      pid,
      done,
      ctrlC: () => process.kill(-pid, 'SIGINT'),
      send: (signal) => process.kill(pid, signal),
      says: (words) => stderr.shows((story) => story.includes(words)),
      deafen: () => {
        child.stdout.push(null);
        child.stderr.push(null);
        child.stdout.destroy();
        child.stderr.destroy();
      },
    };
  };

  return {
    ...server,
    cwd,
    home,
    env,
    start,
    run: (...args) => start(...args).done,
    logs: async (text) => {
      while (!(await logsBut([])).includes(text)) await sleep(20);
    },
    appears: async (name) => {
      while (!(await namesIn(cwd)).includes(name)) await sleep(20);
      await rm(join(cwd, name));
    },
    install: (tools) => installTools(bin, server.socket, tools),
    remove: async () => {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}
