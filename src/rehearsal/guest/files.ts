import { posix } from 'node:path';
import type { GuestEntry, Instance } from '../world.ts';

/**
 * Resolves a path on a guest: links are followed, also in the middle (`/etc/istio` is one after the package is
 * installed, docs/facts/istio-vm.md 1.4; `/var/run` and `/lib` are on every Ubuntu).
 */
export function guestPath(instance: Instance, path: string): string {
  let at = '/';
  for (const name of posix.normalize(path).split('/').filter(Boolean)) {
    at = at === '/' ? `/${name}` : `${at}/${name}`;
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

/** Writes a file through links; the default is root's and 0644. */
export function writeGuest(
  instance: Instance,
  path: string,
  content: string | Uint8Array,
  { mode = 0o644, owner = 'root', group = owner }: EntryOptions = {},
): void {
  instance.files.set(guestPath(instance, path), { content, mode, owner, group });
}

interface Directory {
  readonly owner: string;
  readonly mode: number;
}

/** Directories whose owner and mode were set; every other one is root's, mode 0755. */
const directories = new WeakMap<Instance, Map<string, Directory>>();

/** Like `install -d`: creates the directory, or sets owner and mode of an existing one. */
export function makeDirectory(
  instance: Instance,
  path: string,
  { owner = 'root', mode = 0o755 }: Partial<Directory> = {},
): void {
  const known = directories.get(instance) ?? new Map<string, Directory>();
  directories.set(instance, known.set(guestPath(instance, path), { owner, mode }));
}

/** Whether a user may create a file in a directory, which is created first if it is missing. */
export function mayCreateIn(instance: Instance, path: string, user: string): boolean {
  const known = directories.get(instance);
  for (let at = guestPath(instance, path); at !== '/'; at = posix.dirname(at)) {
    const directory = known?.get(at);
    if (directory !== undefined)
      return directory.owner === user ? (directory.mode & 0o300) === 0o300 : (directory.mode & 0o003) === 0o003;
    if (hasBelow(instance, at)) return false;
  }
  return false;
}

function hasBelow(instance: Instance, at: string): boolean {
  for (const key of instance.files.keys()) if (key.startsWith(`${at}/`)) return true;
  return false;
}

/** Removes a file, a link, or everything below a directory. */
export function removeGuest(instance: Instance, path: string): void {
  const at = guestPath(instance, posix.dirname(path));
  const real = posix.join(at, posix.basename(path));
  for (const key of instance.files.keys()) {
    if (key === real || key.startsWith(`${real}/`)) instance.files.delete(key);
  }
  const known = directories.get(instance);
  for (const key of known?.keys() ?? []) {
    if (key === real || key.startsWith(`${real}/`)) known?.delete(key);
  }
}

/** Whether anything is at or below a path. */
export function guestHas(instance: Instance, path: string): boolean {
  const at = guestPath(instance, path);
  return instance.files.has(at) || hasBelow(instance, at);
}

/** Decoded contents. A file that is written gets new content, so each content is decoded once. */
const texts = new WeakMap<Uint8Array, string>();

/** Text of a file's content. */
export function asText(content: string | Uint8Array): string {
  if (typeof content === 'string') return content;
  let text = texts.get(content);
  if (text === undefined) texts.set(content, (text = Buffer.from(content).toString('utf8')));
  return text;
}

const BLOCK = /# istio-vms begin\n[\s\S]*?# istio-vms end\n/g;

/** Like `data/guest/hosts-block`: replaces the marked lines of istio-vms in /etc/hosts, and nothing else. */
export function hostsBlock(instance: Instance, lines: string): void {
  const others = (guestText(instance, '/etc/hosts') ?? '').replaceAll(BLOCK, '');
  const block = lines === '' ? '' : `# istio-vms begin\n${lines}# istio-vms end\n`;
  writeGuest(instance, '/etc/hosts', others + block);
}
