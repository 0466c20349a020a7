import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDownloads } from '../../../src/system/downloads.ts';

describe('a redirect', () => {
  /** Requests to each server, with their credentials. */
  let requests: string[];
  /** Locations that the first server redirects to, one per request. */
  let locations: string[];
  const record = (name: string, url = '', credentials = 'none'): void =>
    void requests.push(`${name} ${url} ${credentials}`);
  const first = createServer(({ url, headers }, response) => {
    record('first', url, headers.authorization);
    const location = locations.shift();
    if (location === undefined) response.end('here');
    else response.writeHead(302, { location }).end('an unread body');
  });
  const second = createServer(({ url, headers }, response) => {
    record('second', url, headers.authorization);
    response.end('there');
  });
  const proxy = createServer(({ url, headers }, response) => {
    record('proxy', url, headers.authorization);
    response.end('through the proxy');
  });
  const servers = [first, second, proxy];
  const hostOf = (server: Server): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const text = (): Promise<string> => createDownloads(8_000).text(`http://me:own@${hostOf(first)}/start`);
  const OWN = `Basic ${Buffer.from('me:own').toString('base64')}`;

  beforeAll(async () => {
    for (const server of servers) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
  });
  afterAll(() => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });
  beforeEach(() => {
    requests = [];
    locations = [];
    for (const name of ['http_proxy', 'all_proxy', 'no_proxy']) {
      vi.stubEnv(name, undefined);
      vi.stubEnv(name.toUpperCase(), undefined);
    }
  });
  afterEach(() => vi.unstubAllEnvs());

  it('keeps the credentials on the same server', async () => {
    locations = ['next', `http://${hostOf(first)}/last`];
    expect(await text()).toBe('here');
    expect(requests).toEqual([`first /start ${OWN}`, `first /next ${OWN}`, `first /last ${OWN}`]);
  });

  it('does not send the credentials to another server', async () => {
    locations = [`http://${hostOf(second)}/far`];
    expect(await text()).toBe('there');
    expect(requests).toEqual([`first /start ${OWN}`, 'second /far none']);
  });

  it.each(['http://below.127.0.0.1.invalid/far', 'http://mirror.invalid//far'])(
    'uses the proxy of its target %s',
    async (url) => {
      vi.stubEnv('HTTP_PROXY', `http://${hostOf(proxy)}`);
      vi.stubEnv('NO_PROXY', '127.0.0.0/8');
      locations = [url];
      expect(await text()).toBe('through the proxy');
      expect(requests).toEqual([`first /start ${OWN}`, `proxy ${url} none`]);
    },
  );

  it('bypasses the proxy for a target in NO_PROXY', async () => {
    vi.stubEnv('HTTP_PROXY', `http://${hostOf(first)}`);
    vi.stubEnv('NO_PROXY', '127.0.0.1');
    locations = [`http://${hostOf(second)}/far`];
    expect(await createDownloads(8_000).text('http://mirror.invalid/start')).toBe('there');
    expect(requests).toEqual(['first http://mirror.invalid/start none', 'second /far none']);
  });

  it('does not send the credentials to a subdomain of the first host', async () => {
    vi.stubEnv('HTTP_PROXY', `http://${hostOf(first)}`);
    locations = ['http://files.mirror.invalid/far'];
    expect(await createDownloads(8_000).text('http://me:own@mirror.invalid/start')).toBe('here');
    expect(requests).toEqual([
      `first http://mirror.invalid/start ${OWN}`,
      'first http://files.mirror.invalid/far none',
    ]);
  });

  it.each([
    [20, 'here'],
    [21, /redirect/],
  ])('is followed up to twenty times: %i', async (times, expected) => {
    locations = Array.from({ length: times }, (_, index) => `/${index}`);
    const warnings = vi.spyOn(process, 'emitWarning');
    await expect(text().catch((thrown: unknown) => (thrown as Error).message)).resolves.toMatch(expected);
    expect(requests).toHaveLength(21);
    expect(warnings).not.toHaveBeenCalled();
  });

  it.each(['ftp://mirror.invalid/x', 'http://['])('causes a failed download when it leads to %s', async (location) => {
    locations = [location];
    await expect(text()).rejects.toMatchObject({ reason: 'download-failed' });
  });
});
