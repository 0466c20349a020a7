import { once } from 'node:events';
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { proxyFor } from './proxy.ts';

/**
 * Node's own client below follow-redirects, and not fetch: undici up to 7.30, and with it the fetch of Node 22 and 24,
 * crashes with an uncaught AssertionError when a server closes the connection while the body is still being read (fixed in
 * undici 8, which needs Node 22.19). `test/unit/system/closing-servers.test.ts` shows it.
 */

/** As many as fetch allows. */
const MAX_REDIRECTS = 20;

/**
 * A GET that follows redirects, through the proxy of HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Each request has a connection of
 * its own: a server may close an idle one at any moment.
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
    // Lengths and offsets are those of the file itself.
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

/** How to ask for an address, chosen anew at each redirect: through which proxy, and with which credentials. */
async function waysFrom(start: URL, signal: AbortSignal): Promise<(url: URL) => RequestOptions> {
  // Loaded with the first request: most commands make none.
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
      // HttpsProxyAgent forgets the host where it is an address, and takes the certificate of «localhost» for it.
      checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
    };
    const proxy = proxyFor(url, process.env);
    if (proxy === undefined) return own;
    if (url.protocol === 'https:') return { ...own, agent: refusing(new HttpsProxyAgent(proxy, { signal })) };
    // Of a path that begins with two slashes HttpProxyAgent would take the first part for the host.
    const path = url.origin + url.pathname + url.search;
    return { ...own, path, agent: new HttpProxyAgent(proxy, { signal }) };
  };
}

/** HttpsProxyAgent gives what a proxy says instead of opening a tunnel as if the server had said it. */
function refusing(agent: Agent): Agent {
  return agent.on('proxyConnect', ({ statusCode }: { readonly statusCode: number }, request: ClientRequest) => {
    if (statusCode !== 200) request.destroy(new Error(`the proxy answered ${statusCode}`));
  });
}
