import { posix } from 'node:path';
import type { GuestEntry, Instance } from '../world.ts';

/**
 * Where a path on a guest really is: links are followed, also in the middle (`/etc/istio` is one after the package is
 * installed, facts/istio-vm.md 1.4; `/var/run` and `/lib` are on every Ubuntu).
 */
export function guestPath(instance: Instance, path: string): string {
  let at = '/';
  for (const name of posix.normalize(path).split('/').filter(Boolean)) {
    at = posix.join(at, name);
    const target = SYSTEM_LINKS[at] ?? instance.files.get(at)?.link;
    if (target !== undefined) at = guestPath(instance, posix.resolve(posix.dirname(at), target));
  }
  return at;
}

const SYSTEM_LINKS: Readonly<Record<string, string>> = { '/var/run': '/run', '/lib': '/usr/lib' };

/** The file at a path, links followed, or undefined where there is none. */
export function guestEntry(instance: Instance, path: string): GuestEntry | undefined {
  return instance.files.get(guestPath(instance, path));
}

/** Text of the file at a path, or undefined where there is none. */
export function guestText(instance: Instance, path: string): string | undefined {
  const entry = guestEntry(instance, path);
  return entry === undefined ? undefined : asText(entry.content);
}

export interface EntryOptions {
  readonly mode?: number;
  readonly owner?: string;
  readonly group?: string;
}

/** Writes a file through links; root's and 0644 unless told otherwise. */
export function writeGuest(
  instance: Instance,
  path: string,
  content: string | Uint8Array,
  { mode = 0o644, owner = 'root', group = owner }: EntryOptions = {},
): void {
  instance.files.set(guestPath(instance, path), { content, mode, owner, group });
}

/** Removes a file, a link, or everything below a directory. */
export function removeGuest(instance: Instance, path: string): void {
  const at = guestPath(instance, posix.dirname(path));
  const real = posix.join(at, posix.basename(path));
  for (const key of instance.files.keys()) {
    if (key === real || key.startsWith(`${real}/`)) instance.files.delete(key);
  }
}

/** Whether anything is at or below a path. */
export function guestHas(instance: Instance, path: string): boolean {
  const at = guestPath(instance, path);
  for (const key of instance.files.keys()) {
    if (key === at || key.startsWith(`${at}/`)) return true;
  }
  return false;
}

/** Text of a file's content. */
export function asText(content: string | Uint8Array): string {
  return typeof content === 'string' ? content : Buffer.from(content).toString('utf8');
}
