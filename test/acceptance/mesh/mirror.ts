import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface Mirror {
  /** For ARTIFACTS_URL. */
  readonly url: string;
  close(): Promise<void>;
}

export interface MirrorOptions {
  /** Closes the connection after each response, as many plain file servers do. */
  readonly closes?: boolean;
  /** A free one by default. */
  readonly port?: number;
}

/** Serves files below these directories on loopback: HTTP/1.1 with ranges and ETag, as the real download servers do. */
export async function startMirror(
  roots: readonly string[],
  { closes = false, port = 0 }: MirrorOptions = {},
): Promise<Mirror> {
  const server = createServer((request, response) => {
    if (closes) response.setHeader('Connection', 'close');
    answer(roots, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const bound = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(roots: readonly string[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://mirror').pathname));
  const file = await firstFile(roots.map((root) => join(root, path)));
  if (file === undefined) return void response.writeHead(404, { 'Content-Length': 0 }).end();
  const etag = `"${file.mtimeMs.toString(16)}-${file.size.toString(16)}"`;
  const from = startOf(request, etag);
  if (from >= file.size && from > 0) {
    return void response.writeHead(416, { 'Content-Length': 0, 'Content-Range': `bytes */${file.size}` }).end();
  }
  response.writeHead(from > 0 ? 206 : 200, {
    'Content-Length': file.size - from,
    'Content-Type': 'application/octet-stream',
    ETag: etag,
    'Accept-Ranges': 'bytes',
    ...(from > 0 ? { 'Content-Range': `bytes ${from}-${file.size - 1}/${file.size}` } : {}),
  });
  if (request.method === 'HEAD') return void response.end();
  await pipeline(createReadStream(file.path, { start: from }), response);
}

/** First requested byte; 0 for the whole file, also if the file has changed since (If-Range). */
function startOf({ headers }: IncomingMessage, etag: string): number {
  const [, start] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? [];
  return start === undefined || (headers['if-range'] ?? etag) !== etag ? 0 : Number(start);
}

async function firstFile(
  paths: readonly string[],
): Promise<{ path: string; size: number; mtimeMs: number } | undefined> {
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() === true) return { path, size: found.size, mtimeMs: found.mtimeMs };
  }
  return undefined;
}
