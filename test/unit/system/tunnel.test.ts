import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { createFixture } from 'fs-fixture';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDownloads } from '../../../src/system/downloads.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const downloadsModule = new URL('../../../src/system/downloads.ts', import.meta.url).href;
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

describe.skipIf(!hasOpenssl)('an https address behind a proxy', () => {
  let fixture: Awaited<ReturnType<typeof createFixture>>;
  let mirror: ReturnType<typeof createTlsServer>;
  /** What the proxy does with a request for a tunnel to the mirror. */
  let answer: (client: Socket) => void;
  let requests: (string | undefined)[];
  let mirrorHeaders: IncomingHttpHeaders;
  let proxyHeaders: IncomingHttpHeaders;
  const proxy = createServer().on('connect', (request, client: Socket) => {
    client.on('error', () => undefined);
    proxyHeaders = request.headers;
    requests.push(request.url, request.headers['proxy-authorization']);
    answer(client);
  });
  const openTunnel = (client: Socket): void => {
    const upstream = connect(portOf(mirror), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(upstream).pipe(client);
    }).on('error', () => undefined);
  };
  const text = (stallMs = 8_000, credentials = ''): Promise<string> =>
    createDownloads(stallMs).text(`https://${credentials}mirror.invalid/sums`);

  beforeAll(async () => {
    fixture = await createFixture({});
    const [key, cert] = [fixture.getPath('key.pem'), fixture.getPath('cert.pem')];
    spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=mirror.invalid', '-addext', 'subjectAltName=DNS:localhost,IP:192.0.2.1'],
      ...['-keyout', key, '-out', cert],
    ]);
    mirror = createTlsServer(
      { key: await fixture.readFile('key.pem'), cert: await fixture.readFile('cert.pem') },
      (request, response) => {
        mirrorHeaders = request.headers;
        response.end(`${request.headers.host} gives ${request.url}`);
      },
    );
    for (const server of [mirror, proxy]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
  });
  afterAll(async () => {
    for (const server of [mirror, proxy]) {
      server.closeAllConnections();
      server.close();
    }
    await fixture.rm();
  });
  beforeEach(() => {
    requests = [];
    answer = openTunnel;
    for (const name of ['https_proxy', 'no_proxy', 'NO_PROXY']) vi.stubEnv(name, undefined);
    vi.stubEnv('HTTPS_PROXY', `http://us%20er:secret@127.0.0.1:${portOf(proxy)}`);
  });
  afterEach(() => vi.unstubAllEnvs());

  it('is fetched through the tunnel, and only the proxy gets the password', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    expect(await text()).toBe('mirror.invalid gives /sums');
    expect(requests).toEqual(['mirror.invalid:443', `Basic ${Buffer.from('us er:secret').toString('base64')}`]);
  });

  it('gets the credentials of the server, which the proxy does not get', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    await text(8_000, 'me:own@');
    expect(mirrorHeaders).toMatchObject({ authorization: `Basic ${Buffer.from('me:own').toString('base64')}` });
    expect(mirrorHeaders).toMatchObject({
      'user-agent': 'istio-vms',
      'accept-encoding': 'identity',
      connection: 'close',
    });
    expect(mirrorHeaders).not.toHaveProperty('proxy-authorization');
    expect(proxyHeaders).not.toHaveProperty('authorization');
  });

  it('needs its IP address in the certificate when it has no name', async () => {
    const code = `import { createDownloads } from '${downloadsModule}';
      for (const address of ['192.0.2.1', '192.0.2.2'])
        console.log(await createDownloads(8_000).text('https://' + address + '/sums').catch(({ message }) => message));`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', code],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: fixture.getPath('cert.pem') } },
    );
    const [named, unnamed] = stdout.split('\n');
    expect(named).toBe('192.0.2.1 gives /sums');
    expect(unnamed).toContain("IP: 192.0.2.2 is not in the cert's list: 192.0.2.1");
    expect(requests[0]).toBe('192.0.2.1:443');
  }, 60_000);

  it('is refused without a trusted certificate', async () => {
    await expect(text()).rejects.toThrow(/self.signed certificate/);
  });

  it.each([
    ['closes', (client: Socket) => void client.end(), 8_000, /closed the connection/],
    ['resets', (client: Socket) => void client.resetAndDestroy(), 8_000, /ECONNRESET|closed the connection/],
    ['is silent', () => undefined, 200, /no data came/],
    [
      'closes the tunnel at once',
      (client: Socket) => void client.end('HTTP/1.1 200 OK\r\n\r\n'),
      8_000,
      /disconnected/,
    ],
    [
      'does not find the host',
      (client: Socket) => void client.end('HTTP/1.1 404 No\r\n\r\n'),
      8_000,
      /proxy answered 404/,
    ],
    [
      'redirects to another address',
      (client: Socket) => void client.end('HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n'),
      8_000,
      /proxy answered 302/,
    ],
    [
      'requires a password',
      (client: Socket) => void client.end('HTTP/1.1 407 No\r\n\r\n'),
      8_000,
      /proxy answered 407/,
    ],
  ])('is a failed download when the proxy %s', async (_, behavior, stallMs, message) => {
    answer = behavior;
    await expect(text(stallMs)).rejects.toMatchObject({
      reason: 'download-failed',
      message: expect.stringMatching(message) as string,
    });
  });

  it('closes the connection to a silent proxy', async () => {
    let ended: Promise<unknown> | undefined;
    answer = (client) => void (ended = once(client.resume(), 'end'));
    await expect(text(200)).rejects.toThrow(/no data came/);
    await ended;
  });
});
