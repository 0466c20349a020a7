import { once } from 'node:events';
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { proxyFor } from './proxy.ts';

/**
 * Node's own client below follow-redirects, and not fetch: undici up to 7.30, and with it the fetch of Node 22 and 24,
 * crashes with an uncaught AssertionError when a server closes the connection while the body is still being read (fixed in
 * undici 8, which needs Node 22.19). `test/unit/system/closing-servers.test.ts` shows it.
 */

/** The same limit as in fetch. */
const MAX_REDIRECTS = 20;

/**
 * A GET that follows redirects, through the proxy of HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Each request uses a new
 * connection, because a server may close an idle one at any moment.
 */
export async function get(
  address: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const url = new URL(address);
  const [{ default: schemes }, way] = await Promise.all([import('follow-redirects'), waysFrom(url, signal)]);
  const asked = schemes[url.protocol === 'https:' ? 'https' : 'http'].get(url, {
    signal,
    maxRedirects: MAX_REDIRECTS,
    // No compression, so that lengths and offsets are those of the file itself.
    headers: { 'user-agent': 'istio-vms', 'accept-encoding': 'identity', ...headers },
    ...way(url),
    beforeRedirect: (next: { readonly href?: string }) => void Object.assign(next, way(new URL(next.href ?? ''))),
  });
  // Without a listener, a connection error after the response would end the process; the reader of the body still gets it.
  asked.on('error', () => undefined);
  asked.once('response', (response: IncomingMessage) => response.on('error', () => undefined));
  const [response] = (await once(asked, 'response', { signal })) as [IncomingMessage];
  return response;
}

/** The request options for an address, chosen again at each redirect: which proxy, and which credentials. */
async function waysFrom(start: URL, signal: AbortSignal): Promise<(url: URL) => RequestOptions> {
  // Loaded with the first request, because most commands make none.
  const [{ HttpProxyAgent }, { HttpsProxyAgent }, { checkServerIdentity }] = await Promise.all([
    import('http-proxy-agent'),
    import('https-proxy-agent'),
    import('node:tls'),
  ]);
  const credentials = [start.username, start.password].map((part) => decodeURIComponent(part)).join(':');
  return (url) => {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const own: RequestOptions = {
      agent: false,
      auth: credentials !== ':' && url.origin === start.origin ? credentials : undefined,
      // HttpsProxyAgent drops a host that is an IP address, and would check the certificate for «localhost».
      checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
    };
    const proxy = proxyFor(url, process.env);
    if (proxy === undefined) return own;
    if (url.protocol === 'https:') return { ...own, agent: refusing(new HttpsProxyAgent(proxy, { signal })) };
    // HttpProxyAgent would take the first part of a path that begins with two slashes for the host.
    const path = url.origin + url.pathname + url.search;
    return { ...own, path, agent: new HttpProxyAgent(proxy, { signal }) };
  };
}

/** When a proxy refuses a tunnel, HttpsProxyAgent returns the proxy's response as if it came from the server. */
function refusing(agent: Agent): Agent {
  return agent.on('proxyConnect', ({ statusCode }: { readonly statusCode: number }, request: ClientRequest) => {
    if (statusCode !== 200) request.destroy(new Error(`the proxy answered ${statusCode}`));
  });
}
