import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack, type Header, type Pack } from 'tar-stream';
import type { TarMember } from './system.ts';
import { sweepLeftovers, temporaryBeside } from './temporary.ts';

/** Archives are reproducible: the same members give the same bytes, on any date and computer. */
const EPOCH = new Date(0);

/** A tar of these members in order, created while it is read: host files are streamed, whatever their size. */
export function tarStream(members: readonly TarMember[]): Readable {
  // tar-stream's streams are not Node streams, and callers may need more than they offer.
  return Readable.from(chunks(members), { objectMode: false });
}

async function* chunks(members: readonly TarMember[]): AsyncGenerator<Uint8Array> {
  const tar = pack();
  const filled = fill(tar, members);
  filled.catch(() => tar.destroy());
  try {
    for await (const chunk of tar) yield chunk as Uint8Array;
    // A tar that was destroyed ends like a complete one; only this promise shows the error.
    await filled;
  } finally {
    // The reader may stop early.
    tar.destroy();
  }
}

/** Writes the tar next to its target and renames it when it is completely on disk. */
export async function packMembers(archive: string, members: readonly TarMember[]): Promise<void> {
  await mkdir(dirname(archive), { recursive: true });
  await sweepLeftovers(archive);
  const part = temporaryBeside(archive, 'part');
  try {
    await pipeline(tarStream(members), createWriteStream(part, { flags: 'wx', mode: 0o644, flush: true }));
    await rename(part, archive);
  } catch (thrown) {
    await rm(part, { force: true });
    throw thrown;
  }
}

async function fill(tar: Pack, members: readonly TarMember[]): Promise<void> {
  for (const { name, content, mode } of members) {
    const header = { name, mode, mtime: EPOCH, uid: 0, gid: 0, uname: '', gname: '' };
    if (typeof content === 'string' || content instanceof Uint8Array) tar.entry(header, Buffer.from(content as string));
    else await addFile(tar, { ...header, size: (await stat(content.file)).size }, content.file);
  }
  tar.finalize();
}

function addFile(tar: Pack, header: Pick<Header, 'name' | 'mode' | 'size'>, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sink = tar.entry(header, (error) => (error ? reject(error) : resolve()));
    const source = createReadStream(file, { end: Math.max(0, header.size - 1) });
    source.on('error', (error) => {
      sink.destroy(error);
      reject(error);
    });
    sink.on('error', reject);
    sink.on('close', () => {
      source.destroy();
      reject(new Error(`${file} was not read completely`));
    });
    if (header.size === 0) sink.end(undefined);
    else source.pipe(sink);
  });
}
