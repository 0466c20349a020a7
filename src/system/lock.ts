import { constants } from 'node:fs';
import { open, rm, stat, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import type { LockAnswer, LockHolder } from './system.ts';
import { codeOf, isNotFound } from './file-errors.ts';

/** Error codes of file systems that do not support locks. */
const NO_LOCKS = new Set(['ENOLCK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

const Holder = z.object({ pid: z.number(), command: z.string(), since: z.string() });

/**
 * A kernel lock on a file that exists only while the lock is held. The kernel releases it when the process ends, also
 * after `kill -9`. It needs no heartbeat and compares no process IDs, so neither a sleep of the computer nor a reused
 * process ID can give a wrong answer. Child processes do not inherit it, because Node opens files close-on-exec.
 */
export async function lockFile(path: string, holder: Omit<LockHolder, 'pid'>): Promise<LockAnswer> {
  // Loaded on demand: it is a native addon, and may not be available for this computer.
  const locks = await import('fs-native-extensions').catch((thrown: unknown) => String(thrown));
  if (typeof locks === 'string') return { impossible: locks };
  for (;;) {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    let answer: LockAnswer | 'gone' | undefined;
    try {
      if (!locks.tryLock(file.fd)) answer = { heldBy: await holderIn(file) };
      else if (!(await isSameFile(path, file))) answer = 'gone';
    } catch (thrown) {
      if (!NO_LOCKS.has(codeOf(thrown) ?? '')) throw thrown;
      answer = { impossible: thrown instanceof Error ? thrown.message : String(thrown) };
    }
    if (answer === undefined) return held(path, file, { pid: process.pid, ...holder });
    await file.close();
    // The previous holder removed the file between our open and our lock, so this lock is on a deleted file: try again.
    if (answer !== 'gone') return answer;
  }
}

async function held(path: string, file: FileHandle, holder: LockHolder): Promise<LockAnswer> {
  // The holder is only shown to users; a full disk must not prevent taking the lock.
  await writeHolder(file, holder).catch(() => undefined);
  return {
    release: async () => {
      // Removed while it is still locked, so that it cannot be another process's lock.
      await rm(path, { force: true });
      await file.close();
    },
  };
}

async function writeHolder(file: FileHandle, holder: LockHolder): Promise<void> {
  await file.truncate(0);
  await file.write(`${JSON.stringify(holder)}\n`, 0);
}

async function holderIn(file: FileHandle): Promise<LockHolder | undefined> {
  try {
    return Holder.safeParse(JSON.parse(await file.readFile('utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Whether the path still points to this open file. */
async function isSameFile(path: string, file: FileHandle): Promise<boolean> {
  try {
    const [there, ours] = await Promise.all([stat(path), file.stat()]);
    return there.ino === ours.ino && there.dev === ours.dev;
  } catch (thrown) {
    if (isNotFound(thrown)) return false;
    throw thrown;
  }
}
