import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { CliError } from '../errors/cli-error.ts';
import type { Files, FileStat } from './system.ts';
import { extractMembers, listMembers } from './extract.ts';
import { asFileError, isNotFound } from './file-errors.ts';
import { sweepLeftovers, temporaryBeside } from './temporary.ts';
import { lockFile } from './lock.ts';
import { packMembers } from './pack.ts';

/** The real files interface. Every error names the path and what to do about it. */
export function createFiles(): Files {
  return {
    read: (path) => guarded(path, 'read', () => undefinedIfAbsent(fs.readFile(path))),
    readText: (path) => guarded(path, 'read', () => undefinedIfAbsent(fs.readFile(path, 'utf8'))),
    write: (path, content, mode = 0o644) => guarded(path, 'write', () => writeWhole(path, content, mode)),
    append: (path, content) =>
      guarded(path, 'write', async () => {
        await makeParent(path, 0o600);
        await fs.appendFile(path, content, { mode: 0o600 });
      }),
    stat: (path) => guarded(path, 'read', () => statOf(path)),
    list: (path) => guarded(path, 'read', async () => [...((await undefinedIfAbsent(fs.readdir(path))) ?? [])].sort()),
    makeDirectory: (path, mode = 0o755) =>
      guarded(path, 'write', async () => {
        await fs.mkdir(path, { recursive: true, mode });
      }),
    chmod: (path, mode) => guarded(path, 'write', () => fs.chmod(path, mode)),
    link: (path, target) =>
      guarded(path, 'write', async () => {
        await makeParent(path, 0o644);
        await replace(path, (temporary) => fs.symlink(target, temporary));
      }),
    rename: (from, to) =>
      guarded(to, 'write', async () => {
        await makeParent(to, 0o644);
        await fs.rename(from, to);
      }),
    remove: (path) =>
      guarded(path, 'remove', async () => {
        await sweepLeftovers(path);
        await fs.rm(path, { recursive: true, force: true });
      }),
    sha256: (path) => guarded(path, 'read', () => undefinedIfAbsent(digestOf(path))),
    lock: (path, holder) =>
      guarded(path, 'lock', async () => {
        await makeParent(path, 0o600);
        return lockFile(path, holder);
      }),
    extract: (archive, into, members) =>
      guarded(archive, 'extract', async () => {
        await fs.mkdir(into, { recursive: true });
        await extractMembers(archive, into, members);
      }),
    members: (archive) => guarded(archive, 'read', () => listMembers(archive)),
    pack: (archive, members) => guarded(archive, 'write', () => packMembers(archive, members)),
  };
}

/**
 * Writes next to the target and renames. The temporary file is created with no more permissions than `mode` (so a
 * secret is never readable by others), never reuses an existing file, and is completely on disk before it is renamed.
 */
async function writeWhole(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  await makeParent(path, mode);
  const target = await targetOf(path, mode);
  await replace(target, async (temporary) => {
    const file = await fs.open(temporary, 'wx', mode);
    try {
      // The umask may have removed requested permissions.
      await file.chmod(mode);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/** A link is kept and its target is written; but a secret is never written through a link, which may lead anywhere. */
async function targetOf(path: string, mode: number): Promise<string> {
  const stat = await statOf(path);
  if (stat?.kind !== 'link') return path;
  if (isPrivate(mode)) {
    throw new CliError('permission-denied', {
      message: `${path} is a symbolic link (to ${stat.target ?? '?'}), and a secret is not written through a link.`,
      hint: `Remove the link, or point the variable at the real file: rm ${path}`,
    });
  }
  return (await undefinedIfAbsent(fs.realpath(path))) ?? path;
}

async function replace(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  await sweepLeftovers(path);
  const temporary = temporaryBeside(path, 'tmp');
  try {
    await make(temporary);
    await fs.rename(temporary, path);
  } catch (thrown) {
    await fs.rm(temporary, { force: true });
    throw thrown;
  }
}

const isPrivate = (mode: number): boolean => (mode & 0o077) === 0;

async function makeParent(path: string, mode: number): Promise<void> {
  await fs.mkdir(dirname(path), { recursive: true, mode: isPrivate(mode) ? 0o700 : 0o755 });
}

async function statOf(path: string): Promise<FileStat | undefined> {
  const stat = await undefinedIfAbsent(fs.lstat(path));
  if (stat === undefined) return undefined;
  const kind = stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'directory' : 'file';
  const common = { kind, mode: stat.mode & 0o7777, size: stat.size } as const;
  return kind === 'link' ? { ...common, target: await fs.readlink(path) } : common;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** A missing file is a result, not an error. */
async function undefinedIfAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  }
}

async function guarded<T>(path: string, verb: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw asFileError(thrown, path, verb);
  }
}
