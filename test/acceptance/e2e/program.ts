import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { loggedWrites } from '../support/run-log.ts';

/** The built program. */
const CLI = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
/** The longest that anything may take: a whole lab over a slow line. */
const RUN_MS = 3_600_000;

/** What a run of the program came to. */
export interface Run {
  readonly exitCode: number | null;
  /** The one document on stdout; undefined where there was none that can be read. */
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
  /** Where it runs: the directory with the run.env, if there is one. */
  readonly cwd: string;
  /** TEMP_DIR's logs. */
  readonly logs: string;
  /** Where what it says is kept. */
  readonly kept: string;
}

/** Runs the program as a person would, with `--output json`; keeps what it said under the name of the stage. */
export function createProgram({ cwd, logs, kept }: ProgramPlace) {
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
    await writeFile(join(kept, `${stage}.json`), stdout);
    await writeFile(join(kept, `${stage}.stderr.txt`), stderr);
    const written = (await namesIn(logs)).filter((name) => !before.includes(name));
    const log = (await Promise.all(written.map((name) => readFile(join(logs, name), 'utf8')))).join('');
    if (log !== '') await writeFile(join(kept, `${stage}.log`), log);
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
