import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { loggedWrites } from '../support/run-log.ts';

/** The built program. */
const CLI = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
/** Limit of one run: creating a lab over a slow network. */
const RUN_MS = 3_600_000;

/** Result of one run of the program. */
export interface Run {
  readonly exitCode: number | null;
  /** The JSON document on stdout; undefined if there is none or it cannot be parsed. */
  readonly document: Document | undefined;
  readonly stderr: string;
  /** Commands of effect `write` in the log of this run. */
  readonly writes: readonly string[];
}

interface Document {
  readonly outcome: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message?: string };
}

export interface ProgramPlace {
  /** Working directory, which may contain run.env. */
  readonly cwd: string;
  /** Directory of the program's logs, below TEMP_DIR. */
  readonly logs: string;
  /** Directory for the output of each run. */
  readonly outputDirectory: string;
}

/** Runs the program with `--output json` and saves its output and log under the name of the stage. */
export function createProgram({ cwd, logs, outputDirectory }: ProgramPlace) {
  return async (stage: string, ...args: readonly string[]): Promise<Run> => {
    const before = await namesIn(logs);
    const child = spawn(process.execPath, [CLI, ...args, '--output', 'json'], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: RUN_MS,
    });
    const [stdout, stderr, [exitCode]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    await writeFile(join(outputDirectory, `${stage}.json`), stdout);
    await writeFile(join(outputDirectory, `${stage}.stderr.txt`), stderr);
    const written = (await namesIn(logs)).filter((name) => !before.includes(name));
    const log = (await Promise.all(written.map((name) => readFile(join(logs, name), 'utf8')))).join('');
    if (log !== '') await writeFile(join(outputDirectory, `${stage}.log`), log);
    const writes = loggedWrites(log);
    return { exitCode, document: documentOf(stdout), stderr, writes };
  };
}

export type Program = ReturnType<typeof createProgram>;

function documentOf(stdout: string): Document | undefined {
  try {
    return JSON.parse(stdout) as Document;
  } catch {
    return undefined;
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch(() => []);
}
