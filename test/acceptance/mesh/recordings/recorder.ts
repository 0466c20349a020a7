import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CommandError } from '../../../../src/system/command-error.ts';
import type { Command, CommandResult } from '../../../../src/system/system.ts';
import { runCommand } from '../light/processes.ts';
import { normalise, shortened } from './normalise.ts';

/** One command of a real program and its result, the format of files in test/recordings. */
export interface Recording {
  readonly recordedAt: string;
  readonly argv: readonly string[];
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command and saves its result under a name, also if it fails. */
export type Record = (name: string, command: Command) => Promise<void>;

export interface RecorderOptions {
  /** Path of test/recordings. */
  readonly target: string;
  /** Program and version, such as `kubectl-1.34.2`. */
  readonly program: string;
  /** Directory that is replaced by `/lab` in arguments and output. */
  readonly directory: string;
  readonly print: (line: string) => void;
}

export function createRecorder({ target, program, directory, print }: RecorderOptions): Record {
  return async (name, command) => {
    const result = await ended(command);
    if (result === undefined) {
      print(`${program} ${name}: not recorded, it ran out of time`);
      return;
    }
    const { exitCode, stdout, stderr } = result;
    const recording: Recording = {
      recordedAt: new Date().toISOString().slice(0, 10),
      argv: [basename(command.file), ...command.args].map((arg) => normalise(arg, directory)),
      exitCode,
      stdout: shortened(normalise(stdout, directory)),
      stderr: normalise(stderr, directory),
    };
    await writeRecording(join(target, program), name, recording);
    print(`${program} ${name}: exit code ${exitCode}`);
  };
}

export async function writeRecording(directory: string, name: string, recording: Recording): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, `${name}.json`), `${JSON.stringify(recording, null, 2)}\n`);
}

/** Longer than the product's limits, since programs that retry may take longer. */
const TIMEOUT_MS = 150_000;

/** The result of a command; undefined if it timed out. */
async function ended(command: Command): Promise<CommandResult | undefined> {
  try {
    return await runCommand({ ...command, timeoutMs: TIMEOUT_MS });
  } catch (thrown) {
    if (thrown instanceof CommandError && thrown.failure === 'exit') return thrown.result;
    if (thrown instanceof CommandError && thrown.failure === 'timed-out') return undefined;
    throw thrown;
  }
}
