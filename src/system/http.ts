import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import { proxyFor } from './proxy.ts';

/**
 * Node's own client and not fetch: undici up to 7.30, and with it the fetch of Node 22 and 24, crashes with an uncaught
 * AssertionError when a server closes the connection while the body is still being read (fixed in undici 8, which needs
 * Node 22.19). `test/unit/system/closing-servers.test.ts` shows it.
 */

/** As many as fetch allows. */
const MAX_REDIRECTS = 20;

/**
 * A GET that follows redirects, through the proxy of HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Each request has a connection of
 * its own: a server may close an idle one at any moment.
 */
export async function get(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let at = new URL(url);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await ask(at, headers, signal);
    const { location } = response.headers;
    if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || location === undefined) return response;
    response.destroy();
    at = new URL(location, at);
  }
  throw new Error(`more than ${MAX_REDIRECTS} redirects`);
}

async function ask(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
  const options: RequestOptions = {
    signal,
    agent: false,
    // Lengths and offsets are those of the file itself.
    headers: { 'user-agent': 'istio-vms', 'accept-encoding': 'identity', ...headers },
  };
  const proxy = proxyFor(url, process.env);
  if (proxy === undefined) return responseOf(await request(url, options), signal);
  if (url.protocol === 'https:') return responseOf(await requestInTunnel(url, proxy, options, signal), signal);
  return responseOf(await requestOfProxy(url, proxy, options), signal);
}

async function request(url: URL, options: RequestOptions): Promise<ClientRequest> {
  // Loaded with the first request: most commands make none.
  if (url.protocol === 'https:') return (await import('node:https')).request(url, options);
  if (url.protocol === 'http:') return (await import('node:http')).request(url, options);
  throw new Error(`${url.protocol} is not supported`);
}

/** Plain http is asked of the proxy itself: many proxies allow a tunnel to the https port alone. */
function requestOfProxy(url: URL, proxy: URL, options: RequestOptions): Promise<ClientRequest> {
  const target = new URL(url);
  target.username = target.password = target.hash = '';
  const headers = {
    ...(options.headers as OutgoingHttpHeaders),
    host: url.host,
    ...credentials('authorization', url),
    ...credentials('proxy-authorization', proxy),
  };
  return request(proxy, { ...options, headers, auth: undefined, path: target.href });
}

async function requestInTunnel(
  url: URL,
  proxy: URL,
  options: RequestOptions,
  signal: AbortSignal,
): Promise<ClientRequest> {
  const [{ connect }, { isIP }] = await Promise.all([import('node:tls'), import('node:net')]);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const socket = await tunnel(proxy, `${url.hostname}:${url.port === '' ? 443 : url.port}`, signal);
  const servername = isIP(host) === 0 ? host : '';
  return request(url, {
    ...options,
    agent: undefined,
    // Without an agent this is 80, and it would be named in the Host header.
    defaultPort: 443,
    createConnection: () => connect({ socket, host, servername, ALPNProtocols: ['http/1.1'] }),
  });
}

/** A connection to `authority` by the proxy's CONNECT. */
async function tunnel(proxy: URL, authority: string, signal: AbortSignal): Promise<Socket> {
  const headers = { host: authority, ...credentials('proxy-authorization', proxy) };
  const asked = await request(proxy, {
    method: 'CONNECT',
    path: authority,
    headers,
    auth: undefined,
    agent: false,
    signal,
  });
  return settled(asked, signal, (resolve, reject) => {
    asked.once('connect', ({ statusCode = 0 }, socket: Socket, head) => {
      if (statusCode >= 200 && statusCode < 300) {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      } else {
        socket.destroy();
        reject(new Error(`the proxy answered ${statusCode}`));
      }
    });
  });
}

function responseOf(asked: ClientRequest, signal: AbortSignal): Promise<IncomingMessage> {
  return settled(asked, signal, (resolve) => {
    asked.once('response', (response) => {
      // A failure before the first read must not be an uncaught one; the reader hears of it all the same.
      response.on('error', () => undefined);
      resolve(response);
    });
  });
}

/** Sends the request. It keeps its error listener: what the server does after its answer must not be an uncaught error. */
async function settled<T>(
  asked: ClientRequest,
  signal: AbortSignal,
  listen: (resolve: (value: T) => void, reject: (thrown: unknown) => void) => void,
): Promise<T> {
  // A request that has no connection yet does not tell that it was aborted.
  let onAbort: (() => void) | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      onAbort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort);
      asked.on('error', reject);
      listen(resolve, reject);
      asked.end();
    });
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}

function credentials(header: string, { username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { [header]: `Basic ${Buffer.from(plain).toString('base64')}` };
}
