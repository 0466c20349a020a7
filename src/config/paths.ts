import { join, resolve } from 'node:path/posix';
import type { Host } from '../system/system.ts';

/** A configured path as an absolute path; `~/` is the home directory, as in a shell. */
export function absolutePath(value: string, host: Pick<Host, 'cwd' | 'home'>): string {
  return value === '~' || value.startsWith('~/') ? join(host.home, value.slice(1)) : resolve(host.cwd, value);
}

/** Whether `path` is `directory` or lies inside it; both absolute and normalized. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** The cache directory for the downloads of all of the user's labs: by XDG, or Apple's convention on macOS. */
export function userCache(host: Pick<Host, 'platform' | 'home' | 'env'>): string {
  if (host.platform === 'darwin') return join(host.home, 'Library', 'Caches', 'istio-vms');
  const xdg = host.env['XDG_CACHE_HOME'];
  // The XDG specification says to ignore a relative path.
  return join(xdg?.startsWith('/') === true ? xdg : join(host.home, '.cache'), 'istio-vms');
}

const PLAIN_PATH = /^[\p{L}\p{M}\p{N}._/@+=,%~-]*$/u;

/**
 * What is wrong with a configured path, or undefined. The computer's own directories may have any name; what the user
 * adds to them must be plain text that can be pasted anywhere.
 */
export function pathFault(value: string, host: Host, bases: readonly string[]): string | undefined {
  const absolute = absolutePath(value, host);
  const base = bases.filter((each) => isWithin(absolute, each)).sort((a, b) => b.length - a.length)[0] ?? '';
  const own = absolute.slice(base.length);
  if (!PLAIN_PATH.test(own)) return 'a path of letters, digits and . _ / @ + = , % ~ - (no spaces, no quotes)';
  return /\/-/.test(own) ? 'a path in which no name begins with a dash' : undefined;
}

/** What is wrong with a directory that istio-vms writes into, or undefined. */
export function directoryFault(value: string, host: Host): string | undefined {
  const absolute = absolutePath(value, host);
  return isWithin(host.home, absolute) || isWithin(host.cwd, absolute)
    ? 'a directory of its own: not /, your home, the working directory or a parent of them'
    : undefined;
}
