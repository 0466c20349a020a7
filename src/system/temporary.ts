import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Names of temporary files next to their target. They contain the ID of the process that writes them, so that the next
 * run can recognize and remove those of killed runs.
 */
export function temporaryName(target: string, pid: number, random: string, ending: 'tmp' | 'part'): string {
  return `.${target}.${pid}-${random}.${ending}`;
}

/** Suffix of the file next to an unfinished download that records where its bytes came from. */
export const ORIGIN = '.from';

/** The names of temporary files for `target` whose process has ended. */
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

/** A temporary name next to `path`, used until the file is complete. */
export function temporaryBeside(path: string, ending: 'tmp' | 'part'): string {
  return join(dirname(path), temporaryName(basename(path), process.pid, randomBytes(6).toString('hex'), ending));
}

/** Removes temporary files of killed runs next to `path`. A failure here does not prevent the write. */
export async function sweepLeftovers(path: string): Promise<void> {
  const directory = dirname(path);
  const names = await readdir(directory).catch(() => []);
  for (const name of leftovers(basename(path), names, isRunning)) {
    await rm(join(directory, name), { force: true }).catch(() => undefined);
  }
}

/** Whether a process with this ID is running on this computer, under any user. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // EPERM means that the process exists but belongs to another user.
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
