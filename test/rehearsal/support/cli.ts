import { vi } from 'vitest';
import { run } from '../../../src/cli.ts';
import type { ExitCode } from '../../../src/errors/reasons.ts';
import type { Invocation, Output } from '../../../src/invocation.ts';
import type { Rehearsal, RehearsalOptions } from '../../../src/rehearsal/index.ts';
import { shown } from './simulated.ts';

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly platform?: string;
  readonly arch?: string;
  /** Columns of a terminal; absent means that the streams are none. */
  readonly columns?: number;
  /** Is given what a signal does, as soon as the program listens. */
  readonly onSignal?: (send: () => void) => void;
}

export interface CliRun {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
  /** Set when the program left at once. */
  readonly left?: ExitCode;
}

/** Runs the program in this process, as `main.ts` does, with streams that keep what was written. */
export async function cli(argv: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const [stdout, stderr] = [stream(options.columns), stream(options.columns)];
  let left: ExitCode | undefined;
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
    exit: (code) => (left ??= code),
  };
  const code = await run(invocation);
  return { code, stdout: stdout.text(), stderr: stderr.text(), ...(left === undefined ? {} : { left }) };
}

/** The JSON document on stdout. @throws when there is anything else on it */
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

/** Runs the program in a rehearsal of its own; gives its JSON document, and the world of that rehearsal. */
export async function cliInItsWorld(argv: readonly string[], options: CliOptions = {}) {
  const path = '../../../src/rehearsal/index.ts';
  const actual = await vi.importActual<{ createRehearsal: (options: RehearsalOptions) => Rehearsal }>(path);
  const created: { readonly rehearsal: Rehearsal; readonly from: number }[] = [];
  vi.doMock(path, () => ({
    ...actual,
    createRehearsal: (wanted: RehearsalOptions) => {
      const rehearsal = actual.createRehearsal(wanted);
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
 * Lets every following rehearsal of the program happen in this one world, so that a command finds what the ones before
 * it left. Undone by `vi.doUnmock` of the same module, or with the test file.
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
      reads: commands.filter(({ effect }) => effect === 'read').map(shown),
      writes: commands.filter(({ effect }) => effect === 'write').map(shown),
    };
  };
}
