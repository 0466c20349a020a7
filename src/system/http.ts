import type { Response } from 'undici';

/** Loaded with the first request: most commands make none, and it takes as long to load as half of our start. */
const undici = once(() => import('undici'));

/**
 * HTTP_PROXY, HTTPS_PROXY and NO_PROXY (lower case too) as curl reads them. Node's own fetch takes no notice of them
 * before Node 24. Plain http is asked of the proxy itself: many allow a tunnel to the https port alone.
 */
const agent = once(async () => new (await undici()).EnvHttpProxyAgent({ proxyTunnel: false }));

/** A GET, redirects followed (twenty at most, says WHATWG fetch). */
export async function get(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> {
  const { fetch } = await undici();
  return fetch(url, {
    signal,
    redirect: 'follow',
    dispatcher: await agent(),
    // Lengths and offsets are those of the file itself.
    headers: { 'user-agent': 'istio-vms', 'accept-encoding': 'identity', ...headers },
  });
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
