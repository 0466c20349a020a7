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
 * Streams through a tar and writes the named regular files, each beside its target and renamed when it is whole. What
 * the archive says of owners, links and paths is not followed: only the member's bytes are taken. What comes after the
 * last of them is not read.
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
 * What is in a tar, in its order: names without a leading `./` or `/`, sizes and digests of regular files, targets of
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

/** Shows each entry of a tar, gzipped or not; whoever looks has to read the entry or `resume` it. */
async function walk(archive: string, look: (entry: Entry) => Promise<unknown>): Promise<void> {
  const tar = extract();
  const source = createReadStream(archive);
  const feed = pipeline(source, (await startsGzipped(archive)) ? createGunzip() : new PassThrough(), tar);
  // The loop below meets the same failure; this one must not go unheard in the meantime.
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
      // Not by `pipeline`: tar-stream's entries are no streams of Node's, and one that has failed already would never end there.
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

/** Errors of the file system name their system call; all others are those of zlib and tar-stream about the content. */
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
    message: `${archive} does not hold ${names.join(' and ')}.`,
    hint: 'The archive is of another version or kind than expected. Check ISTIO_VERSION.',
  });
}
