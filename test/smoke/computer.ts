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

/** The result of one run of the CLI. */
export interface Run {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The log of this run; empty when there is none. */
  readonly log: string;
}

/** A run of the CLI that has not ended. */
export interface RunningCli {
  readonly pid: number;
  readonly done: Promise<Run>;
  /** Sends SIGINT to the whole foreground process group, as a terminal does on Ctrl-C. */
  readonly ctrlC: () => void;
  /** Sends a signal to the CLI process only. */
  readonly send: (signal: NodeJS.Signals) => void;
  /** Resolves when stderr contains this text. */
  readonly prints: (text: string) => Promise<void>;
  /** Closes the reading ends of its pipes, so that its next write fails. */
  readonly closeOutput: () => void;
}

export interface Computer extends WorldServer {
  /** Working directory of every run. */
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  readonly start: (...args: readonly string[]) => RunningCli;
  readonly run: (...args: readonly string[]) => Promise<Run>;
  readonly install: (tools: readonly Tool[]) => Promise<void>;
  /** Resolves when a log contains this text: for messages after the terminal is closed. */
  readonly waitForLog: (text: string) => Promise<void>;
  /** Waits for a file of this name in the working directory, and deletes it. */
  readonly waitForFile: (name: string) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/**
 * A computer whose PATH has only the stand-ins, which call a simulated world. The CLI uses it as a real process does:
 * through names on PATH, pipes, signals and files.
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

  const logsExcept = async (known: readonly string[]): Promise<string> => {
    const names = (await namesIn(logs)).filter((name) => !known.includes(name));
    return (await Promise.all(names.map((name) => readFile(join(logs, name), 'utf8')))).join('');
  };
  const start = (...args: readonly string[]): RunningCli => {
    // Read before the start, because the CLI may create its log before an asynchronous read ends.
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
      const log = await logsExcept(before);
      return { exitCode: exitCode as number | null, stdout: stdout.all(), stderr: stderr.all(), log };
    });
    return {
      pid,
      done,
      ctrlC: () => process.kill(-pid, 'SIGINT'),
      send: (signal) => process.kill(pid, signal),
      prints: (expected) => stderr.waitFor((output) => output.includes(expected)),
      closeOutput: () => {
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
    waitForLog: async (text) => {
      while (!(await logsExcept([])).includes(text)) await sleep(20);
    },
    waitForFile: async (name) => {
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
