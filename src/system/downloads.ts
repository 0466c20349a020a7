import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CliError } from '../errors/cli-error.ts';
import type { DownloadRequest, Downloads } from './system.ts';
import { asFileError } from './file-errors.ts';
import { sweepLeftovers } from './temporary.ts';
import { leavePartial, noteOrigin, takePartial, type Partial } from './partial.ts';
import { bytesOf, failed, type Opening } from './source.ts';

/** A connection that receives no byte for this long has stalled; the whole download has no time limit. */
const STALL_MS = 60_000;
/** The maximum size of a checksum file, in bytes; anything longer is not one. */
const TEXT_LIMIT = 1_000_000;

/**
 * The real downloads interface: https, http (a mirror on this computer or its network) and file URLs. A download that
 * was interrupted by a broken connection or a killed run is resumed if the server supports it.
 *
 * @param stallMs how long to wait for the next byte
 */
export function createDownloads(stallMs = STALL_MS): Downloads {
  return {
    async fetch(request) {
      let part: Partial | undefined;
      let keep = false;
      try {
        await mkdir(dirname(request.to), { recursive: true });
        part = await takePartial(request.to, request.url);
        await sweepLeftovers(request.to);
        const digest = await receive(request, part, stallMs);
        if (digest !== request.sha256.toLowerCase()) throw await keepAside(request, part.path, digest);
        await rename(part.path, request.to);
      } catch (thrown) {
        keep = request.signal?.aborted === true || (thrown instanceof CliError && thrown.reason === 'download-failed');
        throw asFileError(thrown, request.to, 'write');
      } finally {
        if (part !== undefined) await leavePartial(part.path, keep);
      }
    },
    async text(url, signal) {
      const chunks: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of bytesOf({ url, stallMs, signal })) {
        chunks.push(chunk);
        length += chunk.length;
        if (length > TEXT_LIMIT) throw failed(url, 'the response is too long for a checksum file');
      }
      return Buffer.concat(chunks).toString('utf8');
    },
  };
}

/** Downloads the whole file into the part; starts over once when the bytes already there were from another file. */
async function receive(request: DownloadRequest, part: Partial, stallMs: number): Promise<string> {
  const digest = await stream(request, part, stallMs);
  if (part.offset === undefined || digest === request.sha256.toLowerCase()) return digest;
  return stream(request, { path: part.path }, stallMs);
}

/** Streams into the part, which is created with the mode of the final file. Returns the digest of its whole content. */
async function stream(request: DownloadRequest, part: Partial, stallMs: number): Promise<string> {
  const { url, signal, mode = 0o644 } = request;
  const hash = createHash('sha256');
  const file = await open(part.path, part.offset === undefined ? 'w' : 'r+', mode);
  try {
    await file.chmod(mode);
    let bytes = 0;
    let total: number | undefined;
    const onOpening = async (opening: Opening): Promise<void> => {
      bytes = opening.start;
      total = opening.total;
      await file.truncate(bytes);
      await noteOrigin(part.path, url, opening.validator);
      await hashFile(hash, part.path);
    };
    for await (const chunk of bytesOf({ url, stallMs, signal, offset: part.offset, onOpening })) {
      hash.update(chunk);
      await file.write(chunk, 0, chunk.length, bytes);
      bytes += chunk.length;
      request.onProgress?.(total === undefined ? { bytes } : { bytes, total });
    }
    if (total !== undefined && bytes !== total)
      throw failed(url, `the connection was lost after ${bytes} of ${total} bytes`);
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

async function hashFile(hash: Hash, path: string): Promise<void> {
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
}

/** Keeps the received file for inspection: it may be an error page of a proxy. */
async function keepAside(request: DownloadRequest, part: string, digest: string): Promise<CliError> {
  const aside = `${request.to}.mismatch`;
  await rename(part, aside);
  return new CliError('digest-mismatch', {
    message: `Checksum mismatch for ${request.url}.`,
    details: [`expected sha256 ${request.sha256}`, `got      sha256 ${digest}`, `kept as  ${aside}`],
    hint: 'Check the kept file: it may be the page of a proxy. Re-run the same command to download it again.',
  });
}
