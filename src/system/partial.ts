import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { Offset } from './source.ts';
import { isRunning, leftovers, ORIGIN, temporaryBeside } from './temporary.ts';

/** An unfinished download: a temporary file next to its target. */
export interface Partial {
  readonly path: string;
  /** Where to resume, if the content came from this URL and the server sent a validator. */
  readonly offset?: Offset;
}

/** Parts that this process is currently writing. */
const inUse = new Set<string>();

/**
 * The part to write into: left by an earlier attempt of the same download, or new. Two runs never get the same one: a
 * leftover is claimed by renaming it, which succeeds only once.
 */
export async function takePartial(target: string, url: string): Promise<Partial> {
  const path = temporaryBeside(target, 'part');
  inUse.add(path);
  const directory = dirname(target);
  const names = await readdir(directory).catch(() => []);
  const isWritten = (pid: number): boolean => pid !== process.pid && isRunning(pid);
  for (const name of leftovers(basename(target), names, isWritten)) {
    const old = join(directory, name);
    if (!name.endsWith('.part') || inUse.has(old)) continue;
    try {
      await rename(old, path);
      await rename(old + ORIGIN, path + ORIGIN);
    } catch {
      continue; // Claimed by another process, or of unknown origin.
    }
    const validator = await validatorOf(path, url);
    if (validator === undefined) break;
    return { path, offset: { bytes: (await stat(path)).size, validator } };
  }
  return { path };
}

/** Records where the bytes come from, so that a later attempt can request the rest of the same file. */
export async function noteOrigin(path: string, url: string, validator: string | undefined): Promise<void> {
  if (validator === undefined) await rm(path + ORIGIN, { force: true });
  else await writeFile(path + ORIGIN, JSON.stringify({ url, validator }));
}

/** Keeps a part for a later attempt, if that can resume it; else removes it. */
export async function leavePartial(path: string, keep: boolean): Promise<void> {
  inUse.delete(path);
  const known = keep && (await stat(path + ORIGIN).catch(() => undefined)) !== undefined;
  if (!known) await Promise.all([rm(path, { force: true }), rm(path + ORIGIN, { force: true })]);
}

const originSchema = z.object({ url: z.string(), validator: z.string() });

async function validatorOf(path: string, url: string): Promise<string | undefined> {
  try {
    const origin = originSchema.parse(JSON.parse(await readFile(path + ORIGIN, 'utf8')));
    return origin.url === url ? origin.validator : undefined;
  } catch {
    return undefined;
  }
}
