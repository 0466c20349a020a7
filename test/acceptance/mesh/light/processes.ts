import { quiet } from '../../../support/context.ts';
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Command, CommandResult } from '../../../../src/system/system.ts';
import { createProcesses } from '../../../../src/system/processes.ts';

const processes = createProcesses();

export interface StartOptions {
  /** File for stdout and stderr. */
  readonly log: string;
  readonly cwd?: string;
  /** The complete environment; default: that of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command of the product. @throws CommandError when it does not end with exit code 0 */
export const runCommand = (command: Command): Promise<CommandResult> => processes.run(command, quiet);

/** Runs a program to its end and returns its stdout. @throws CommandError when it does not end with exit code 0 */
export async function run(file: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await processes.run({ file, args, effect: 'write', timeoutMs: 120_000 }, quiet);
  return stdout;
}

/** Starts a program in the background, in a new session. */
export function start([file = '', ...args]: readonly string[], { log, cwd, env }: StartOptions): ChildProcess {
  const output = openSync(log, 'a');
  try {
    const child = spawn(file, args, {
      stdio: ['ignore', output, output],
      detached: true,
      ...(cwd !== undefined && { cwd }),
      ...(env !== undefined && { env: { ...env } }),
    });
    // The caller notices when the program does not become ready.
    child.on('error', (error) => process.stderr.write(`${file}: ${error.message}\n`));
    return child;
  } finally {
    closeSync(output);
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Calls `probe` until it returns a value.
 * @throws Error with `what` and the last error of `probe`, after the deadline
 */
export async function until<T>(
  what: string,
  seconds: number,
  probe: () => Promise<T | undefined>,
  everyMs = 200,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  let reason = '';
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== undefined) return answer;
    } catch (error) {
      reason = `: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (performance.now() > deadline) throw new Error(`timed out after ${seconds}s waiting for ${what}${reason}`);
    await sleep(everyMs);
  }
}
