import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { CliError } from '../errors/cli-error.ts';
import { codeOf, isNotFound } from './file-errors.ts';
import { get } from './http.ts';

/** Where to resume: the number of bytes already here, and the validator of the file they belong to. */
export interface Offset {
  readonly bytes: number;
  /** Its strong ETag or its Last-Modified, as the server sent it. */
  readonly validator: string;
}

/** What is known before the first byte arrives. */
export interface Opening {
  /** Where the bytes begin: at the requested offset, or at 0. */
  readonly start: number;
  /** Size of the whole file in bytes, if the server sends it. */
  readonly total?: number;
  /** The validator to request the rest of the same file later; absent when the server sends none. */
  readonly validator?: string;
}

export interface SourceRequest {
  readonly url: string;
  /** How long to wait for the next byte. */
  readonly stallMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly offset?: Offset | undefined;
  readonly onOpening?: (opening: Opening) => Promise<void> | void;
}

/** The bytes behind a URL. Every failure is thrown as a CliError, an interrupt as the signal's reason. */
export async function* bytesOf(request: SourceRequest): AsyncGenerator<Uint8Array> {
  const { url, stallMs, signal } = request;
  signal?.throwIfAborted();
  const watchdog = createWatchdog(stallMs, signal);
  try {
    const { chunks, opening } = url.startsWith('file:')
      ? await openFile(url)
      : await openHttp(request, watchdog.signal);
    await request.onOpening?.(opening);
    for await (const chunk of chunks) {
      watchdog.alive();
      yield chunk as Uint8Array;
      watchdog.alive();
    }
  } catch (thrown) {
    signal?.throwIfAborted();
    if (watchdog.signal.aborted) throw failed(url, `no data came for ${Math.round(stallMs / 1000)}s`, thrown);
    if (thrown instanceof CliError) throw thrown;
    if (isNotFound(thrown)) throw absent(url, 'there is no such file');
    throw failed(url, rootMessage(thrown), thrown);
  } finally {
    watchdog.stop();
  }
}

interface Opened {
  readonly chunks: AsyncIterable<unknown>;
  readonly opening: Opening;
}

async function openFile(url: string): Promise<Opened> {
  const path = fileURLToPath(url);
  const { size } = await stat(path);
  return { chunks: createReadStream(path), opening: { start: 0, total: size } };
}

async function openHttp({ url, offset }: SourceRequest, signal: AbortSignal): Promise<Opened> {
  // A server whose file has changed sends all of it instead of the rest (RFC 9110, 13.1.5).
  const range = offset && { range: `bytes=${offset.bytes}-`, 'if-range': offset.validator };
  const response = await get(url, { ...range }, signal);
  const { statusCode: status = 0, headers } = response;
  const wanted = status === 206 ? offset : undefined;
  const start = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1];
  if (offset !== undefined && (status === 416 || (status === 206 && !continues(headers, start, offset)))) {
    response.destroy();
    return openHttp({ url, stallMs: 0 }, signal);
  }
  if (status === 404 || status === 410) {
    response.destroy();
    throw absent(url, `the server answered ${status}`);
  }
  if (status < 200 || status > 299 || (status === 206 && wanted === undefined)) {
    response.destroy();
    throw failed(url, `the server answered ${status}`);
  }
  const at = wanted?.bytes ?? 0;
  const length = Number(headers['content-length'] ?? Number.NaN);
  const unpacker = await unpackerOf(url, headers['content-encoding']);
  const validator = unpacker === undefined ? validatorOf(headers) : undefined;
  return {
    chunks: unpacker === undefined ? wholeBody(response) : pipeline(response, unpacker, () => undefined),
    opening: {
      start: at,
      // A body that was compressed against our request is longer than announced after unpacking.
      ...(Number.isSafeInteger(length) && unpacker === undefined && { total: at + length }),
      ...(validator !== undefined && headers['accept-ranges'] !== 'none' && { validator }),
    },
  };
}

/** Throws when the connection closes before the body is complete. */
async function* wholeBody(response: IncomingMessage): AsyncGenerator {
  yield* response;
  if (!response.complete) throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
}

/**
 * Unpacks the body of a server that compresses although it was asked not to. An archive (`.gz`, `.tgz`) that is labeled
 * as encoded is kept as it is, as browsers do: its digest is that of the archive.
 */
async function unpackerOf(url: string, encoding = 'identity'): Promise<NodeJS.ReadWriteStream | undefined> {
  const { createBrotliDecompress, createUnzip } = await import('node:zlib');
  if (encoding === 'br') return createBrotliDecompress();
  const packed = ['gzip', 'x-gzip', 'deflate'].includes(encoding);
  return packed && !/\.t?gz$/.test(new URL(url).pathname) ? createUnzip() : undefined;
}

/**
 * Whether a partial response continues the requested file; a server that ignores `If-Range` is detected by its ETag.
 */
function continues(headers: IncomingHttpHeaders, start: string | undefined, offset: Offset): boolean {
  const validator = validatorOf(headers);
  return start === String(offset.bytes) && (validator === undefined || validator === offset.validator);
}

/** Only a strong ETag guarantees that the bytes are the same. */
function validatorOf(headers: IncomingHttpHeaders): string | undefined {
  const { etag } = headers;
  return etag?.startsWith('"') === true ? etag : headers['last-modified'];
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
    stop: () => {
      clearTimeout(timer);
      // A reader that stops early does not need the rest.
      controller.abort();
    },
  };
}

function absent(url: string, why: string): CliError {
  return new CliError('artifact-not-found', {
    message: `${url} does not exist: ${why}.`,
    hint: 'Check the version in the configuration: it may not be published for this operating system and CPU.',
  });
}

/** The error of an incomplete download; a retry may succeed. */
export function failed(url: string, why: string, cause?: unknown): CliError {
  return new CliError('download-failed', {
    message: `Downloading ${url} failed: ${why}.`,
    hint: 'Check the network, then re-run the same command. Behind a proxy set HTTPS_PROXY; for a mirror set ARTIFACTS_URL.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What went wrong, in Node's own words if it has any. */
function rootMessage(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  // All addresses of a host were tried; report the first failure.
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return rootMessage(thrown.errors[0]);
  if (thrown.cause instanceof Error) return rootMessage(thrown.cause);
  if (thrown.message === 'aborted') return 'the server closed the connection in the middle of the file';
  if (thrown.message === 'socket hang up') return 'the server closed the connection without an answer';
  if (thrown.message.startsWith('Proxy connection ended')) return 'the proxy closed the connection without an answer';
  return thrown.message !== '' ? thrown.message : (codeOf(thrown) ?? thrown.name);
}
