import ipaddr from 'ipaddr.js';

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * The proxy for this address, by curl's rules: `http_proxy` or `https_proxy`, else `all_proxy`, unless `no_proxy` names
 * the host. Upper case works too, lower case has precedence, and an empty variable counts as unset.
 *
 * The library for this, proxy-from-env, is not used because it does not support networks (`10.0.0.0/8`) in NO_PROXY,
 * and would contact a proxy without a scheme (`proxy:3128`) by https for an https address; curl and Go support networks
 * and do not use https there.
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const scheme = url.protocol.replace(':', '');
  const [name, value] = firstOf(env, `${scheme}_proxy`, 'all_proxy') ?? [];
  if (name === undefined || value === undefined) return undefined;
  const [, exceptions = ''] = firstOf(env, 'no_proxy') ?? [];
  if (isException(url, exceptions)) return undefined;
  const proxy = parse(value.includes('://') ? value : `http://${value}`);
  // The value may contain a password, so it is not shown.
  if (proxy === undefined) throw new Error(`${name} is not a URL`);
  if (!(proxy.protocol in DEFAULT_PORTS))
    throw new Error(`${name} must be an http or https URL, not ${proxy.protocol}`);
  return proxy;
}

function firstOf(env: Environment, ...names: readonly string[]): readonly [string, string] | undefined {
  for (const name of names.flatMap((each) => [each, each.toUpperCase()])) {
    const value = env[name]?.trim();
    if (value !== undefined && value !== '') return [name, value];
  }
  return undefined;
}

function parse(value: string): URL | undefined {
  return URL.canParse(value) ? new URL(value) : undefined;
}

/** `*`, a host and everything below it (`.corp` or `*.corp` is the same as `corp`), an address, a network; with or without a port. */
function isException(url: URL, exceptions: string): boolean {
  const host = unbracketed(url.hostname.toLowerCase().replace(/\.$/, ''));
  const port = url.port === '' ? DEFAULT_PORTS[url.protocol] : url.port;
  return exceptions
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [, name = entry, only] = /^([^:]+|\[.*\]):(\d+)$/.exec(entry) ?? [];
      if (only !== undefined && only !== port) return false;
      const named = unbracketed(name)
        .replace(/^\*?\./, '')
        .replace(/\.$/, '');
      return host === named || (ipaddr.isValid(host) ? isInNetwork(host, named) : host.endsWith(`.${named}`));
    });
}

function isInNetwork(address: string, network: string): boolean {
  if (!ipaddr.isValidCIDR(network) && !ipaddr.isValid(network)) return false;
  const own = ipaddr.parse(address);
  const [base, bits] = ipaddr.isValidCIDR(network)
    ? ipaddr.parseCIDR(network)
    : ([ipaddr.parse(network), network.includes(':') ? 128 : 32] as const);
  return own.kind() === base.kind() && own.match(base, bits);
}

const unbracketed = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');
