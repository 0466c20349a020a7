import { vi } from 'vitest';
import { run } from '../../../src/cli.ts';
import type { ExitCode } from '../../../src/errors/reasons.ts';
import type { Invocation, Output } from '../../../src/invocation.ts';
import type { Rehearsal, RehearsalOptions } from '../../../src/rehearsal/index.ts';
import { commandLine } from './simulated.ts';

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly platform?: string;
  readonly arch?: string;
  /** Columns of the terminal; absent: the streams are no terminal. */
  readonly columns?: number;
  /** Receives the function that sends a signal, once the program handles signals. */
  readonly onSignal?: (send: () => void) => void;
}

export interface CliRun {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
  /** The exit code when the program quit without finishing. */
  readonly quitWith?: ExitCode;
}

/** Runs the program in this process, as `main.ts` does, and captures its output. */
export async function cli(argv: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const [stdout, stderr] = [stream(options.columns), stream(options.columns)];
  let quitWith: ExitCode | undefined;
  const invocation: Invocation = {
    argv,
    env: { NO_COLOR: '1', HOME: '/home/u', ...options.env },
    // A directory without a run.env.
    cwd: options.cwd ?? '/nowhere',
    platform: options.platform ?? 'linux',
    arch: options.arch ?? 'x64',
    pid: process.pid,
    stdout: stdout.output,
    stderr: stderr.output,
    onSignal: (act) => options.onSignal?.(act),
    exit: (code) => (quitWith ??= code),
  };
  const code = await run(invocation);
  return { code, stdout: stdout.text(), stderr: stderr.text(), ...(quitWith === undefined ? {} : { quitWith }) };
}

/** Runs the program with `--output json`. @throws when stdout is not one JSON document */
export async function cliJson(argv: readonly string[], options: CliOptions = {}) {
  const result = await cli([...argv, '--output', 'json'], options);

  return { ...result, json: JSON.parse(result.stdout) };
}

function stream(columns: number | undefined): { output: Output; text: () => string } {
  let text = '';
  const output = {
    isTTY: columns !== undefined,
    columns,
    write: (more: string | Uint8Array) => {
      text += String(more);
      return true;
    },
  } as unknown as Output;
  return { output, text: () => text };
}

/** Runs the program in a new rehearsal, and returns its JSON document and the rehearsal. */
export async function cliInItsWorld(argv: readonly string[], options: CliOptions = {}) {
  const path = '../../../src/rehearsal/index.ts';
  const actual = await vi.importActual<{ createRehearsal: (options: RehearsalOptions) => Rehearsal }>(path);
  const created: { readonly rehearsal: Rehearsal; readonly from: number }[] = [];
  vi.doMock(path, () => ({
    ...actual,
    createRehearsal: (requested: RehearsalOptions) => {
      const rehearsal = actual.createRehearsal(requested);
      created.push({ rehearsal, from: rehearsal.world.clock.now() });
      return rehearsal;
    },
  }));
  const result = await cliJson([...argv, '--rehearse'], options);
  const [only] = created;
  if (only === undefined || created.length > 1) throw new Error(`${created.length} worlds were created`);
  return { ...result, rehearsal: only.rehearsal, tookMs: only.rehearsal.world.clock.now() - only.from };
}

/**
 * Makes all following rehearsals of the program use this one world, so that a command sees the effects of earlier ones.
 * Undone by `vi.doUnmock` of the same module, or at the end of the test file.
 */
export async function inOneWorld(rehearsal: Rehearsal) {
  const path = '../../../src/rehearsal/index.ts';
  const actual = await vi.importActual<object>(path);
  vi.doMock(path, () => ({ ...actual, createRehearsal: () => rehearsal }));
  return async (argv: readonly string[], options: CliOptions = {}) => {
    const before = rehearsal.transcript.length;
    const { host } = rehearsal.world;
    const result = await cli([...argv, '--rehearse', '--from', 'nothing'], { cwd: host.cwd, ...options });
    const commands = rehearsal.transcript.slice(before);
    return {
      ...result,
      commands,
      reads: commands.filter(({ effect }) => effect === 'read').map(commandLine),
      writes: commands.filter(({ effect }) => effect === 'write').map(commandLine),
    };
  };
}
