import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { CliError } from '../errors/cli-error.ts';
import { isGzip, memberName } from './archives.ts';
import type { ArchiveMember } from './doors.ts';

/**
 * Streams through a tar and writes the named regular files, each beside its target and renamed when it is whole. What
 * the archive says of owners, links and paths is not followed: only the member's bytes are taken.
 * @throws CliError `artifact-absent` when a member is missing, `download-failed` when the archive is broken
 */
export async function extractMembers(archive: string, into: string, members: readonly ArchiveMember[]): Promise<void> {
  const wanted = new Map(members.map((member) => [memberName(member.member), member]));
  const tar = extract();
  const feed = pipeline(
    createReadStream(archive),
    (await startsGzipped(archive)) ? createGunzip() : new PassThrough(),
    tar,
  );
  // The loop below meets the same failure; this one must not go unheard in the meantime.
  feed.catch(() => undefined);
  try {
    for await (const entry of tar) {
      const name = memberName(entry.header.name);
      const member = entry.header.type === 'file' ? wanted.get(name) : undefined;
      if (member === undefined) {
        entry.resume();
        continue;
      }
      await writeMember(entry, join(into, member.as), member.mode);
      wanted.delete(name);
    }
    await feed;
  } catch (thrown) {
    throw isBroken(thrown) ? brokenArchive(archive, thrown) : thrown;
  }
  if (wanted.size > 0) throw missing(archive, [...wanted.keys()]);
}

async function writeMember(entry: AsyncIterable<unknown>, path: string, mode: number): Promise<void> {
  const part = `${path}.part`;
  await rm(part, { force: true });
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
  return thrown instanceof Error && !('syscall' in thrown);
}

function brokenArchive(archive: string, cause: unknown): CliError {
  return new CliError('download-failed', {
    message: `${archive} is no whole tar archive.`,
    hint: 'Remove the file and run the same command again: it is fetched anew.',
    cause,
  });
}

function missing(archive: string, names: readonly string[]): CliError {
  return new CliError('artifact-absent', {
    message: `${archive} does not hold ${names.join(' and ')}.`,
    hint: 'The archive is of another version or kind than expected. Check ISTIO_VERSION.',
  });
}
