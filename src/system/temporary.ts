import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Names of files that wait beside their target until they are whole. The process that writes one is part of its name, so
 * that what a killed run has left behind is known as such, and the next one that writes there takes it away.
 */
export function temporaryName(target: string, pid: number, random: string, ending: 'tmp' | 'part'): string {
  return `.${target}.${pid}-${random}.${ending}`;
}

/** What stands beside an unfinished download: where its bytes came from. */
export const ORIGIN = '.from';

/** Which of these names in a directory wait for `target` and belong to no living process. */
export function leftovers(
  target: string,
  names: readonly string[],
  isAlive: (pid: number) => boolean,
): readonly string[] {
  const prefix = `.${target}.`;
  return names.filter((name) => {
    if (!name.startsWith(prefix)) return false;
    const pid = /^(\d+)-[0-9a-f]+\.(?:tmp|part)(?:\.from)?$/.exec(name.slice(prefix.length))?.[1];
    return pid !== undefined && !isAlive(Number(pid));
  });
}

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

/** Whether a process of this computer with this id runs now, whoever's it is. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // Another user's process may not be signalled, but it is there.
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
