import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError } from '../errors/cli-error.ts';
import type { DownloadRequest, Downloads } from './doors.ts';
import { asFileError, codeOf, isAbsent } from './file-errors.ts';
import { sweepLeftovers, temporaryBeside } from './leftovers.ts';

/** A line that brings no byte for this long is dead; the whole download may take as long as it needs. */
const STALL_MS = 60_000;
/** A checksum file; anything longer is not what was asked for. */
const TEXT_LIMIT = 1_000_000;

/**
 * The real downloads door: https, http (a mirror on this computer or its network) and file URLs.
 *
 * Node's fetch takes no notice of HTTPS_PROXY before Node 24 (and there only with NODE_USE_ENV_PROXY=1); the error's hint says so.
 *
 * @param stallMs how long to wait for the next byte
 */
export function createDownloads(stallMs = STALL_MS): Downloads {
  return {
    async fetch(request) {
      const part = temporaryBeside(request.to, 'part');
      try {
        await mkdir(dirname(request.to), { recursive: true });
        await sweepLeftovers(request.to);
        const digest = await receive(request, part, stallMs);
        if (digest !== request.sha256.toLowerCase()) throw await keepAside(request, part, digest);
        await rename(part, request.to);
      } catch (thrown) {
        await rm(part, { force: true });
        throw asFileError(thrown, request.to, 'write');
      }
    },
    async text(url, signal) {
      const chunks: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of body(url, stallMs, signal)) {
        chunks.push(chunk);
        length += chunk.length;
        if (length > TEXT_LIMIT) throw failed(url, 'the answer is far too long for a checksum file');
      }
      return Buffer.concat(chunks).toString('utf8');
    },
  };
}

/** Streams into `part`, born with the mode of the file to be. Gives the digest of what came. */
async function receive(request: DownloadRequest, part: string, stallMs: number): Promise<string> {
  const hash = createHash('sha256');
  const mode = request.mode ?? 0o644;
  const file = await open(part, 'wx', mode);
  try {
    await file.chmod(mode);
    let bytes = 0;
    let total: number | undefined;
    for await (const chunk of body(request.url, stallMs, request.signal, (length) => (total = length))) {
      hash.update(chunk);
      await file.writeFile(chunk);
      bytes += chunk.length;
      request.onProgress?.(total === undefined ? { bytes } : { bytes, total });
    }
    if (total !== undefined && bytes !== total) {
      throw failed(request.url, `the line broke after ${bytes} of ${total} bytes`);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/** The bytes behind a URL. Every failure comes as a CliError, an interrupt as the signal's reason. */
async function* body(
  url: string,
  stallMs: number,
  signal: AbortSignal | undefined,
  onLength?: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted();
  const watchdog = createWatchdog(stallMs, signal);
  try {
    const source = url.startsWith('file:')
      ? createReadStream(fileURLToPath(url))
      : await answer(url, watchdog.signal, onLength);
    for await (const chunk of source) {
      watchdog.alive();
      yield chunk as Uint8Array;
      watchdog.alive();
    }
  } catch (thrown) {
    signal?.throwIfAborted();
    if (watchdog.signal.aborted) throw failed(url, `no byte came for ${Math.round(stallMs / 1000)} s`, thrown);
    if (thrown instanceof CliError) throw thrown;
    if (isAbsent(thrown)) throw absent(url, 'there is no such file');
    throw failed(url, rootMessage(thrown), thrown);
  } finally {
    watchdog.stop();
  }
}

/** Redirects are followed by fetch itself, twenty at most (WHATWG fetch, HTTP-redirect fetch). */
async function answer(
  url: string,
  signal: AbortSignal,
  onLength?: (bytes: number) => void,
): Promise<AsyncIterable<unknown>> {
  const response = await fetch(url, { signal, redirect: 'follow', headers: { 'user-agent': 'istio-vms' } });
  if (response.status === 404 || response.status === 410) {
    await response.body?.cancel();
    throw absent(url, `the server answered ${response.status}`);
  }
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw failed(url, `the server answered ${response.status}`);
  }
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  // A compressed body is longer than announced once it is unpacked.
  if (Number.isSafeInteger(length) && response.headers.get('content-encoding') === null) onLength?.(length);
  return response.body;
}

interface Watchdog {
  readonly signal: AbortSignal;
  alive(): void;
  stop(): void;
}

function createWatchdog(stallMs: number, outer: AbortSignal | undefined): Watchdog {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), stallMs);
  return {
    signal: outer === undefined ? controller.signal : AbortSignal.any([controller.signal, outer]),
    alive: () => void timer.refresh(),
    stop: () => clearTimeout(timer),
  };
}

/** What came is not thrown away: people may want to see whether it is an error page of a proxy. */
async function keepAside(request: DownloadRequest, part: string, digest: string): Promise<CliError> {
  const aside = `${request.to}.mismatch`;
  await rename(part, aside);
  return new CliError('digest-mismatch', {
    message: `What ${request.url} gave is not what was expected.`,
    details: [`expected sha256 ${request.sha256}`, `got      sha256 ${digest}`, `kept as  ${aside}`],
    hint: 'Look at the kept file: it may be the page of a proxy. Run the same command again to fetch it anew.',
  });
}

function absent(url: string, why: string): CliError {
  return new CliError('artifact-absent', {
    message: `${url} does not exist: ${why}.`,
    hint: 'Check the version in the configuration; not every version was made for every system.',
  });
}

function failed(url: string, why: string, cause?: unknown): CliError {
  return new CliError('download-failed', {
    message: `Downloading ${url} failed: ${why}.`,
    hint: 'Check the network, then run the same command again. Behind a proxy: NODE_USE_ENV_PROXY=1 with Node 24, or a mirror.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Fetch hides the true reason (name resolution, refused, certificate) as the cause of a `fetch failed`. */
function rootMessage(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.cause instanceof Error) return rootMessage(thrown.cause);
  return thrown.message !== '' ? thrown.message : (codeOf(thrown) ?? thrown.name);
}
