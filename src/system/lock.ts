import { constants } from 'node:fs';
import { open, rm, stat, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import type { LockAnswer, LockHolder } from './system.ts';
import { codeOf, isNotFound } from './file-errors.ts';

/** File systems that know no locks say so with one of these. */
const NO_LOCKS = new Set(['ENOLCK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

const Holder = z.object({ pid: z.number(), command: z.string(), since: z.string() });

/**
 * A lock of the kernel's on a file that is there only while it is held. The kernel gives it back when the process ends, by
 * `kill -9` too; nothing has to be kept fresh, so no sleep of the computer makes it look old, and no process id that was
 * given out again makes it look alive. Child processes do not inherit it: Node opens files for itself alone.
 */
export async function lockFile(path: string, holder: Omit<LockHolder, 'pid'>): Promise<LockAnswer> {
  // Loaded when it is needed: it is a native addon, and there may be none for this computer.
  const locks = await import('fs-native-extensions').catch((thrown: unknown) => String(thrown));
  if (typeof locks === 'string') return { impossible: locks };
  for (;;) {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    let answer: LockAnswer | 'gone' | undefined;
    try {
      if (!locks.tryLock(file.fd)) answer = { heldBy: await holderIn(file) };
      else if (!(await isAt(path, file))) answer = 'gone';
    } catch (thrown) {
      if (!NO_LOCKS.has(codeOf(thrown) ?? '')) throw thrown;
      answer = { impossible: thrown instanceof Error ? thrown.message : String(thrown) };
    }
    if (answer === undefined) return held(path, file, { pid: process.pid, ...holder });
    await file.close();
    // Whoever held it has removed it between our opening and our locking: what we locked is nobody's any more.
    if (answer !== 'gone') return answer;
  }
}

async function held(path: string, file: FileHandle, holder: LockHolder): Promise<LockAnswer> {
  // The name is for people. A full disk must not keep anybody from nameConflictHint it.
  await introduce(file, holder).catch(() => undefined);
  return {
    release: async () => {
      // Removed while it is still ours: nobody's lock is ever taken away.
      await rm(path, { force: true });
      await file.close();
    },
  };
}

async function introduce(file: FileHandle, holder: LockHolder): Promise<void> {
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

/** Whether the path still leads to this very file. */
async function isAt(path: string, file: FileHandle): Promise<boolean> {
  try {
    const [there, ours] = await Promise.all([stat(path), file.stat()]);
    return there.ino === ours.ino && there.dev === ours.dev;
  } catch (thrown) {
    if (isNotFound(thrown)) return false;
    throw thrown;
  }
}
