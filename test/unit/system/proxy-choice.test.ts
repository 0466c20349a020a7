import { describe, expect, it } from 'vitest';
import { proxyFor } from '../../../src/system/proxy.ts';

const PROXY = 'http://proxy.corp:3128';

describe('the choice of a proxy', () => {
  it.each<[string, Record<string, string>, string, string | undefined]>([
    ['no proxy without a variable', {}, 'https://a.b/', undefined],
    ['the variable of the scheme', { HTTPS_PROXY: PROXY }, 'https://a.b/', PROXY],
    ['no proxy from the variable of another scheme', { HTTP_PROXY: PROXY }, 'https://a.b/', undefined],
    ['ALL_PROXY for every scheme', { ALL_PROXY: PROXY }, 'https://a.b/', PROXY],
    ['lower case before upper case', { http_proxy: PROXY, HTTP_PROXY: 'http://other' }, 'http://a.b/', PROXY],
    ['an empty variable is unset', { http_proxy: '', HTTP_PROXY: PROXY }, 'http://a.b/', PROXY],
    ['a value without a scheme is an http proxy', { https_proxy: 'proxy.corp:3128' }, 'https://a.b/', PROXY],
  ])('follows the rule: %s', (_, env, url, proxy) => {
    expect(proxyFor(new URL(url), env)?.origin).toBe(proxy);
  });

  it.each([
    ['*', 'https://a.b/', false],
    ['a.b', 'https://a.b/', false],
    ['A.B', 'https://a.b/', false],
    ['a.b', 'https://x.a.b/', false],
    ['.a.b', 'https://x.a.b/', false],
    ['*.a.b', 'https://x.a.b/', false],
    ['a.b', 'https://xa.b/', true],
    ['x, a.b', 'https://a.b/', false],
    ['x a.b', 'https://a.b/', false],
    ['a.b:8443', 'https://a.b:8443/', false],
    ['a.b:8443', 'https://a.b/', true],
    ['a.b:443', 'https://a.b/', false],
    ['10.0.0.0/8', 'https://10.1.2.3/', false],
    ['10.0.0.0/8', 'https://11.1.2.3/', true],
    ['10.1.2.3', 'https://10.1.2.3/', false],
    ['1.2.3', 'https://0.1.2.3/', true],
    ['::1', 'https://[::1]/', false],
    ['[::1]', 'https://[::1]:8443/', false],
    ['fd00::/8', 'https://[fd12::1]/', false],
    ['fd00::/8', 'https://10.1.2.3/', true],
    ['nonsense/99', 'https://10.1.2.3/', true],
  ])('with NO_PROXY=%s for %s uses the proxy: %s', (NO_PROXY, url, proxied) => {
    expect(proxyFor(new URL(url), { ALL_PROXY: PROXY, NO_PROXY }) !== undefined).toBe(proxied);
  });

  it.each(['http://[', 'socks5://user:secret@proxy:1080'])('refuses %s without showing its value', (value) => {
    expect(() => proxyFor(new URL('https://a.b/'), { HTTPS_PROXY: value })).toThrow(/^HTTPS_PROXY (?!.*secret)/);
  });
});
