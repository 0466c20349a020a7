import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isRunning } from './alive.ts';
import { leftovers, temporaryName } from './temporary.ts';

/** A name of our own beside `path`, for as long as the file is not whole. */
export function temporaryBeside(path: string, ending: 'tmp' | 'part'): string {
  return join(dirname(path), temporaryName(basename(path), process.pid, randomBytes(6).toString('hex'), ending));
}

/** Takes away what killed runs have left beside `path`. That it cannot be is no reason not to write. */
export async function sweepLeftovers(path: string): Promise<void> {
  const directory = dirname(path);
  const names = await readdir(directory).catch(() => []);
  for (const name of leftovers(basename(path), names, isRunning)) {
    await rm(join(directory, name), { force: true }).catch(() => undefined);
  }
}
