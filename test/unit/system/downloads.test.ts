import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { createFixture } from 'fs-fixture';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDownloads } from '../../../src/system/downloads.ts';

const CONTENT = 'artifact '.repeat(20_000);
const sha256 = createHash('sha256').update(CONTENT).digest('hex');

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function collectGarbage(times: number): void {
  if (times === 0) return;
  setImmediate(() => {
    collect();
    collectGarbage(times - 1);
  });
}

const routes: Record<string, RequestListener> = {
  '/good': (_, response) => response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT),
  // Collects garbage while the response waits for its file to be opened.
  '/collected': (_, response) =>
    response
      .on('finish', () => collectGarbage(10))
      .writeHead(200, { 'content-length': CONTENT.length })
      .end(CONTENT),
  '/chunked': (_, response) => {
    response.write(CONTENT.slice(0, 5));
    response.end(CONTENT.slice(5));
  },
  '/moved': (_, response) => response.writeHead(302, { location: '/good' }).end(),
  '/loop': (_, response) => response.writeHead(302, { location: '/loop' }).end(),
  '/gone': (_, response) => response.writeHead(410).end('gone'),
  '/busy': (_, response) => response.writeHead(503).end('busy'),
  '/silent': () => undefined,
  '/stalls': (_, response) => void response.writeHead(200, { 'content-length': 1000 }).write('some'),
  '/breaks': (_, response) => {
    response.writeHead(200, { 'content-length': 1000 }).write('some', () => response.destroy());
  },
  '/sum': (_, response) => response.end(`${sha256}  artifact\n`),
  // Servers that compress although the request does not accept it.
  '/gzip': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(CONTENT)),
  '/br': (_, response) => response.writeHead(200, { 'content-encoding': 'br' }).end(brotliCompressSync(CONTENT)),
  // A server that declares a requested archive as gzip-encoded.
  '/archive.tar.gz': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(CONTENT),
  '/endless': (_, response) => response.end('x'.repeat(1_500_000)),
};

describe('createDownloads', () => {
  const server = createServer((request, response) => {
    const route = routes[request.url ?? ''];
    if (route === undefined) response.writeHead(404).end('<html>not here</html>');
    else route(request, response);
  });
  let base: string;
  let fixture: Awaited<ReturnType<typeof createFixture>>;
  /** With a long stall limit, so that a busy computer does not fail a test. */
  const downloads = createDownloads(8_000);
  const withShortLimit = createDownloads(100);

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(async () => void (fixture = await createFixture({ 'local.tar': CONTENT })));
  afterEach(() => fixture.rm());

  const to = (): string => fixture.getPath('cache/artifact');
  const cachedFiles = (): string[] => readdirSync(fixture.getPath('cache'));

  it.each(['/good', '/chunked', '/moved'])('fetches %s, verifies it and sets its mode', async (path) => {
    const progress: { bytes: number; total?: number }[] = [];
    await downloads.fetch({
      url: base + path,
      to: to(),
      sha256,
      mode: 0o755,
      onProgress: (each) => progress.push(each),
    });
    expect(readFileSync(to(), 'utf8')).toBe(CONTENT);
    expect(statSync(to()).mode & 0o777).toBe(0o755);
    expect(cachedFiles()).toEqual(['artifact']);
    expect(progress.at(-1)?.bytes).toBe(CONTENT.length);
    expect(progress.at(-1)?.total).toBe(path === '/chunked' ? undefined : CONTENT.length);
  });

  it.each(['/gzip', '/br', '/archive.tar.gz'])('decodes only what is encoded for the transfer: %s', async (path) => {
    await downloads.fetch({ url: base + path, to: to(), sha256 });
    expect(readFileSync(to(), 'utf8')).toBe(CONTENT);
  });

  it('does not lose a response to garbage collection while it waits to be read', async () => {
    await downloads.fetch({ url: `${base}/collected`, to: to(), sha256 });
    expect(readFileSync(to(), 'utf8')).toBe(CONTENT);
  });

  it('accepts a file URL', async () => {
    await downloads.fetch({ url: pathToFileURL(fixture.getPath('local.tar')).href, to: to(), sha256 });
    expect(readFileSync(to(), 'utf8')).toBe(CONTENT);
  });

  it('renames a file with a wrong digest, and reports both digests', async () => {
    const wrong = '0'.repeat(64);
    await expect(downloads.fetch({ url: `${base}/good`, to: to(), sha256: wrong })).rejects.toMatchObject({
      reason: 'digest-mismatch',
      facts: {
        details: [
          expect.stringContaining(wrong),
          expect.stringContaining(sha256),
          expect.stringContaining('.mismatch'),
        ],
      },
    });
    expect(cachedFiles()).toEqual(['artifact.mismatch']);
  });

  it.each([
    ['/absent', 'artifact-not-found', '404'],
    ['/gone', 'artifact-not-found', '410'],
    ['/busy', 'download-failed', '503'],
    ['/silent', 'download-failed', 'no data'],
    ['/stalls', 'download-failed', 'no data'],
    ['/breaks', 'download-failed', ''],
    ['/loop', 'download-failed', 'redirect'],
  ])('reports %s as %s', async (path, reason, text) => {
    const source = text === 'no data' ? withShortLimit : downloads;
    await expect(source.fetch({ url: base + path, to: to(), sha256 })).rejects.toMatchObject({
      reason,
      message: expect.stringContaining(text) as string,
    });
    expect(cachedFiles()).toEqual([]);
  });

  it('distinguishes a missing file from an unreachable server, with the cause', async () => {
    await expect(downloads.fetch({ url: 'file:///no/such', to: to(), sha256 })).rejects.toMatchObject({
      reason: 'artifact-not-found',
    });
    await expect(downloads.text('http://127.0.0.1:1/x')).rejects.toMatchObject({
      reason: 'download-failed',
      message: expect.not.stringContaining('fetch failed') as string,
    });
  });

  it('leaves an earlier file alone when the new one fails', async () => {
    await fixture.mkdir('cache');
    await fixture.writeFile('cache/artifact', 'old');
    await expect(downloads.fetch({ url: `${base}/breaks`, to: to(), sha256 })).rejects.toThrow();
    expect(readFileSync(to(), 'utf8')).toBe('old');
  });

  it('ends at an interrupt with its reason, and leaves nothing', async () => {
    const controller = new AbortController();
    const work = createDownloads().fetch({ url: `${base}/stalls`, to: to(), sha256, signal: controller.signal });
    setTimeout(() => controller.abort(new Error('stop')), 30);
    await expect(work).rejects.toThrow('stop');
    expect(cachedFiles()).toEqual([]);
  });

  it('reads a small text, but not a large one', async () => {
    expect(await downloads.text(`${base}/sum`)).toBe(`${sha256}  artifact\n`);
    await expect(downloads.text(`${base}/absent`)).rejects.toMatchObject({ reason: 'artifact-not-found' });
    await expect(downloads.text(`${base}/endless`)).rejects.toMatchObject({ reason: 'download-failed' });
  });
});
