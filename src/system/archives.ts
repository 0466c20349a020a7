import { gunzipSync } from 'node:zlib';
import { extract, pack } from 'tar-stream';
import type { TarMember } from './system.ts';

/** A file to add to a tar that is built in memory. */
export interface TarEntry {
  /** Relative path inside the archive. */
  readonly name: string;
  readonly content: string | Uint8Array;
  /** Permission bits. */
  readonly mode: number;
  readonly uname?: string;
  readonly gname?: string;
}

export interface UnpackedEntry {
  readonly content: Uint8Array;
  readonly mode: number;
}

/** Archives are reproducible: the same entries give the same bytes, on any date and computer. */
const EPOCH = new Date(0);

/** A tar of these entries, in their order; owner 0:0 and time 0 throughout. */
export async function packTar(entries: readonly TarEntry[]): Promise<Uint8Array> {
  const tar = pack();
  for (const { name, content, mode, uname, gname } of entries) {
    tar.entry({ name, mode, mtime: EPOCH, uid: 0, gid: 0, uname: uname ?? '', gname: gname ?? '' }, asBuffer(content));
  }
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** Members with the content of their host files read into memory: for the simulated world, where files are small. */
export async function inMemory(
  members: readonly TarMember[],
  read: (path: string) => Promise<Uint8Array>,
): Promise<readonly TarEntry[]> {
  const load = async ({ content, ...rest }: TarMember): Promise<TarEntry> => ({
    ...rest,
    content: typeof content === 'object' && 'file' in content ? await read(content.file) : content,
  });
  return Promise.all(members.map(load));
}

/**
 * Regular files of a tar (gzipped or not), by name without a leading `./` or `/`. Directories, links and devices are
 * skipped: the archives of istio-vms have none. If a name occurs twice the last one counts, as in tar itself.
 * @throws Error when the bytes are not a tar.
 */
export async function unpackTar(bytes: Uint8Array): Promise<Map<string, UnpackedEntry>> {
  const entries = new Map<string, UnpackedEntry>();
  const tar = extract();
  tar.end(asBuffer(isGzip(bytes) ? gunzipSync(bytes) : bytes));
  for await (const entry of tar) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk as Uint8Array);
    if (entry.header.type !== 'file') continue;
    entries.set(memberName(entry.header.name), {
      content: Buffer.concat(chunks),
      mode: entry.header.mode & 0o7777,
    });
  }
  return entries;
}

/** Normalizes a member's name: archives made with `tar c .` use `./a`, some use `/a`. */
export function memberName(name: string): string {
  return name.replace(/^(?:\.?\/)+/, '');
}

/** Whether these are the first bytes of a gzip file (RFC 1952, 2.3.1). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function asBuffer(content: string | Uint8Array): Buffer {
  return typeof content === 'string'
    ? Buffer.from(content, 'utf8')
    : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}
