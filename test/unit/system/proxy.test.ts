import { once } from 'node:events';
import { createServer, get, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

/** The interface as in a new process, because the variables are read only once. */
async function freshDownloads() {
  vi.resetModules();
  return (await import('../../../src/system/downloads.ts')).createDownloads(5_000);
}

describe('proxies of the environment', () => {
  /** Requests to the proxy: absolute addresses for http, `CONNECT host:port` for https. */
  let requests: string[];
  let headers: IncomingHttpHeaders;
  const mirror = createServer((request, response) => response.end(`this is ${request.url}`));
  const proxy = createServer((request, response) => {
    requests.push(`GET ${request.url}`);
    headers = request.headers;
    // The proxy may resolve host names that this computer cannot resolve.
    get(request.url?.replace('mirror.invalid', urlOf(mirror).host) ?? '', (upstream) => upstream.pipe(response));
  }).on('connect', (request, socket) => {
    requests.push(`CONNECT ${request.url}`);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });

  const urlOf = (server: typeof proxy): URL => new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);

  beforeAll(async () => {
    for (const server of [mirror, proxy]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
  });
  afterAll(() => {
    for (const server of [mirror, proxy]) {
      server.closeAllConnections();
      server.close();
    }
  });
  beforeEach(() => {
    requests = [];
    for (const name of ['http_proxy', 'https_proxy', 'no_proxy']) {
      vi.stubEnv(name, undefined);
      vi.stubEnv(name.toUpperCase(), undefined);
    }
  });
  afterEach(() => vi.unstubAllEnvs());

  it.each(['HTTP_PROXY', 'http_proxy'])('serve an http address with %s', async (name) => {
    vi.stubEnv(name, urlOf(proxy).href);
    const downloads = await freshDownloads();
    expect(await downloads.text('http://mirror.invalid/sums')).toBe('this is /sums');
    expect(requests).toEqual(['GET http://mirror.invalid/sums']);
  });

  it('get their own credentials and those of the server, in separate headers and not in the address', async () => {
    vi.stubEnv('HTTP_PROXY', `http://us%20er:secret@${urlOf(proxy).host}`);
    const downloads = await freshDownloads();
    expect(await downloads.text('http://me:own@mirror.invalid//two/slashes?a=b#c')).toBe('this is //two/slashes?a=b');
    expect(requests).toEqual(['GET http://mirror.invalid//two/slashes?a=b']);
    expect(headers).toMatchObject({
      host: 'mirror.invalid',
      authorization: `Basic ${Buffer.from('me:own').toString('base64')}`,
      'proxy-authorization': `Basic ${Buffer.from('us er:secret').toString('base64')}`,
      'user-agent': 'istio-vms',
      'accept-encoding': 'identity',
      connection: 'close',
    });
  });

  it.each(['HTTPS_PROXY', 'https_proxy'])(
    'tunnel to an https address with %s, and their refusal is reported',
    async (name) => {
      vi.stubEnv(name, urlOf(proxy).href);
      const downloads = await freshDownloads();
      await expect(downloads.text('https://releases.invalid/sums')).rejects.toMatchObject({
        reason: 'download-failed',
        message: expect.stringContaining('403') as string,
      });
      expect(requests).toEqual(['CONNECT releases.invalid:443']);
    },
  );

  it.each(['NO_PROXY', 'no_proxy'])('are bypassed with %s', async (name) => {
    vi.stubEnv('HTTP_PROXY', urlOf(proxy).href);
    vi.stubEnv(name, '127.0.0.1');
    const downloads = await freshDownloads();
    expect(await downloads.text(new URL('/sums', urlOf(mirror)).href)).toBe('this is /sums');
    expect(requests).toEqual([]);
  });

  it('are not used without variables, and cause no message on stderr', async () => {
    const warnings = vi.spyOn(process, 'emitWarning');
    const downloads = await freshDownloads();
    expect(await downloads.text(new URL('/sums', urlOf(mirror)).href)).toBe('this is /sums');
    expect(requests).toEqual([]);
    expect(warnings).not.toHaveBeenCalled();
  });
});
