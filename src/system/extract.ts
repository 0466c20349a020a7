import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Extract } from 'tar-stream';
import { CliError } from '../errors/cli-error.ts';
import { isGzip, memberName } from './archives.ts';
import type { ArchiveListing, ArchiveMember } from './system.ts';
import { sweepLeftovers, temporaryBeside } from './temporary.ts';

/**
 * Streams through a tar and writes the named regular files, each next to its target and renamed when it is complete.
 * Owners, links and paths in the archive are ignored: only the member's bytes are used. Reading stops after the last
 * requested member.
 * @throws CliError `artifact-not-found` when a member is missing, `download-failed` when the archive is broken
 */
export async function extractMembers(archive: string, into: string, members: readonly ArchiveMember[]): Promise<void> {
  const wanted = new Map(members.map((member) => [memberName(member.member), member]));
  await walk(archive, async (entry) => {
    const name = memberName(entry.header.name);
    const member = entry.header.type === 'file' ? wanted.get(name) : undefined;
    if (member === undefined) return entry.resume();
    await writeMember(entry, join(into, member.as), member.mode);
    wanted.delete(name);
    return wanted.size === 0 ? 'enough' : undefined;
  });
  if (wanted.size > 0) throw missing(archive, [...wanted.keys()]);
}

/**
 * The members of a tar, in order: names without a leading `./` or `/`, sizes and digests of regular files, targets of
 * links. Streams, and writes nothing.
 * @throws CliError `download-failed` when the archive is broken
 */
export async function listMembers(archive: string): Promise<readonly ArchiveListing[]> {
  const found: ArchiveListing[] = [];
  await walk(archive, async (entry) => {
    const { type, linkname, size } = entry.header;
    const name = memberName(entry.header.name);
    const hash = createHash('sha256');
    for await (const chunk of entry) hash.update(chunk as Uint8Array);
    if (type === 'file') found.push({ name, size, sha256: hash.digest('hex') });
    else if (type === 'symlink' || type === 'link') {
      found.push({ name, link: linkname, ...(type === 'link' && { hard: true }) });
    }
  });
  return found;
}

type Entry = Extract extends AsyncIterable<infer T> ? T : never;

/** Passes each entry of a tar, gzipped or not, to `look`, which must read or `resume` it. */
async function walk(archive: string, look: (entry: Entry) => Promise<unknown>): Promise<void> {
  const tar = extract();
  const source = createReadStream(archive);
  const feed = pipeline(source, (await startsGzipped(archive)) ? createGunzip() : new PassThrough(), tar);
  // The loop below gets the same error; this handler prevents an unhandled rejection until then.
  feed.catch(() => undefined);
  try {
    for await (const entry of tar) {
      if ((await look(entry)) === 'enough') return;
    }
    await feed;
  } catch (thrown) {
    throw isBroken(thrown) ? brokenArchive(archive, thrown) : thrown;
  } finally {
    source.destroy();
  }
}

async function writeMember(entry: AsyncIterable<unknown>, path: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await sweepLeftovers(path);
  const part = temporaryBeside(path, 'part');
  try {
    const file = await open(part, 'wx', mode);
    try {
      await file.chmod(mode);
      // Not with `pipeline`: tar-stream's entries are not Node streams, and one that has already failed would never end
      // there.
      for await (const chunk of entry) await file.writeFile(chunk as Uint8Array);
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (thrown) {
    await rm(part, { force: true });
    throw thrown;
  }
}

async function startsGzipped(archive: string): Promise<boolean> {
  const file = await open(archive, 'r');
  try {
    const first = new Uint8Array(2);
    await file.read(first, 0, 2, 0);
    return isGzip(first);
  } finally {
    await file.close();
  }
}

/** File system errors name their system call; all others come from zlib and tar-stream and are about the content. */
function isBroken(thrown: unknown): boolean {
  return thrown instanceof Error && !('syscall' in thrown) && !(thrown instanceof CliError);
}

function brokenArchive(archive: string, cause: unknown): CliError {
  return new CliError('download-failed', {
    message: `${archive} is not a complete tar archive.`,
    hint: 'Remove the file and run the same command again: it is downloaded again.',
    cause,
  });
}

function missing(archive: string, names: readonly string[]): CliError {
  return new CliError('artifact-not-found', {
    message: `${archive} does not contain ${names.join(' and ')}.`,
    hint: 'The archive is of another version or kind than expected. Check ISTIO_VERSION.',
  });
}
