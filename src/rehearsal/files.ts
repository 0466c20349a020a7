import { posix } from 'node:path';
import { inMemory, packTar, unpackTar } from '../system/archives.ts';
import type { Files, LockHolder } from '../system/system.ts';
import { leftovers } from '../system/temporary.ts';
import { digestOf, sizeOf } from './stand-in.ts';

/** One entry of the simulated file system. */
type FileNode =
  | { readonly kind: 'file'; content: Uint8Array; mode: number }
  | { readonly kind: 'directory'; mode: number }
  | { readonly kind: 'link'; readonly target: string };

export interface SimulatedFiles extends Files {
  /** All entries, by absolute path. Tests read and write them directly. */
  readonly nodes: Map<string, FileNode>;
  /** Holders of locks, by path. Code that kills a program must remove its locks, as the kernel does. */
  readonly locks: Map<string, LockHolder>;
}

const LINKS_FOLLOWED = 20;
/** Process id of the first program that takes a lock here. */
const FIRST_PID = 4_201;

/** A file system in memory that behaves like the real one: modes, parents, links, atomic writes. No time passes. */
export function createFiles(seed: Readonly<Record<string, string | Uint8Array>> = {}): SimulatedFiles {
  const nodes = new Map<string, FileNode>([['/', { kind: 'directory', mode: 0o755 }]]);
  const locks = new Map<string, LockHolder>();
  let pid = FIRST_PID;

  /** Resolves a path: links in its directories are followed, a link at its end only on request. */
  const locate = (path: string, followLast: boolean, depth = 0): string => {
    if (!posix.isAbsolute(path)) throw new Error(`rehearsal: a relative path reached the files interface: ${path}`);
    if (depth > LINKS_FOLLOWED) throw fault('ELOOP', 'too many symbolic links encountered', path);
    const names = posix.normalize(path).split('/').filter(Boolean);
    let at = '/';
    for (const [index, name] of names.entries()) {
      const next = at === '/' ? `/${name}` : `${at}/${name}`;
      const node = nodes.get(next);
      const last = index === names.length - 1;
      if (node?.kind === 'link' && (!last || followLast)) {
        const target = posix.resolve(at, node.target);
        return locate(posix.join(target, ...names.slice(index + 1)), followLast, depth + 1);
      }
      if (node?.kind === 'file' && !last) throw fault('ENOTDIR', 'not a directory', path);
      at = next;
    }
    return at;
  };

  const makeParents = (path: string, mode: number): void => {
    const missing: string[] = [];
    for (let at = posix.dirname(path); !nodes.has(at); at = posix.dirname(at)) missing.push(at);
    for (const directory of missing.reverse()) nodes.set(directory, { kind: 'directory', mode });
  };

  const children = (path: string): string[] => {
    const prefix = path === '/' ? '/' : `${path}/`;
    return [...nodes.keys()].filter((key) => key.startsWith(prefix) && key !== path);
  };

  const fileAt = (path: string): Extract<FileNode, { kind: 'file' }> | undefined => {
    const node = nodes.get(locate(path, true));
    if (node?.kind === 'directory') throw fault('EISDIR', 'illegal operation on a directory, read', path);
    return node?.kind === 'file' ? node : undefined;
  };

  const put = (path: string, content: string | Uint8Array, mode: number): void => {
    const at = locate(path, true);
    if (nodes.get(at)?.kind === 'directory') throw fault('EISDIR', 'illegal operation on a directory, open', path);
    makeParents(at, (mode & 0o077) === 0 ? 0o700 : 0o755);
    sweep(at);
    nodes.set(at, { kind: 'file', content: Uint8Array.from(Buffer.from(content as Uint8Array)), mode });
  };

  /** Writes are atomic here, so a temporary file beside a target belongs to a program that was killed. */
  const sweep = (at: string): void => {
    const directory = posix.dirname(at);
    const names = children(directory).map((key) => posix.relative(directory, key));
    for (const name of leftovers(posix.basename(at), names, () => false)) nodes.delete(posix.join(directory, name));
  };

  for (const [path, content] of Object.entries(seed)) put(path, content, 0o644);

  return {
    nodes,
    locks,
    lock: async (path, holder) => {
      const at = locate(path, true);
      if (locks.has(at)) return { heldBy: locks.get(at) };
      const mine = { pid: pid++, ...holder };
      put(at, `${JSON.stringify(mine)}\n`, 0o600);
      locks.set(at, mine);
      return {
        release: async () => {
          nodes.delete(at);
          locks.delete(at);
        },
      };
    },
    read: async (path) => fileAt(path)?.content,
    readText: async (path) => {
      const file = fileAt(path);
      return file === undefined ? undefined : Buffer.from(file.content).toString('utf8');
    },
    write: async (path, content, mode = 0o644) => put(path, content, mode),
    append: async (path, content) => {
      const file = fileAt(path);
      if (file === undefined) put(path, content, 0o600);
      else file.content = grown(file, Buffer.from(content));
    },
    stat: async (path) => {
      const node = nodes.get(locate(path, false));
      if (node === undefined) return undefined;
      if (node.kind === 'file') return { kind: 'file', mode: node.mode, size: sizeOf(node.content) };
      if (node.kind === 'directory') return { kind: 'directory', mode: node.mode, size: 4096 };
      return { kind: 'link', mode: 0o777, size: node.target.length, target: node.target };
    },
    list: async (path) => {
      const at = locate(path, true);
      const prefix = at === '/' ? 1 : at.length + 1;
      return [...new Set(children(at).map((key) => key.slice(prefix).split('/')[0] ?? ''))].sort();
    },
    makeDirectory: async (path, mode = 0o755) => {
      const at = locate(path, true);
      const node = nodes.get(at);
      if (node?.kind === 'file') throw fault('EEXIST', 'file already exists, mkdir', path);
      makeParents(at, mode);
      if (node === undefined) nodes.set(at, { kind: 'directory', mode });
    },
    chmod: async (path, mode) => {
      const node = nodes.get(locate(path, true));
      if (node === undefined || node.kind === 'link') throw fault('ENOENT', 'no such file or directory, chmod', path);
      node.mode = mode;
    },
    link: async (path, target) => {
      const at = locate(path, false);
      if (nodes.get(at)?.kind === 'directory') throw fault('EISDIR', 'illegal operation on a directory, symlink', path);
      makeParents(at, 0o755);
      sweep(at);
      nodes.set(at, { kind: 'link', target });
    },
    rename: async (from, to) => {
      const source = locate(from, false);
      const target = locate(to, false);
      const node = nodes.get(source);
      if (node === undefined || !nodes.has(posix.dirname(target))) {
        throw fault('ENOENT', 'no such file or directory, rename', from);
      }
      for (const key of children(source)) {
        nodes.set(target + key.slice(source.length), nodes.get(key) as FileNode);
        nodes.delete(key);
      }
      nodes.delete(source);
      nodes.set(target, node);
    },
    remove: async (path) => {
      const at = locate(path, false);
      sweep(at);
      for (const key of children(at)) nodes.delete(key);
      if (at !== '/') nodes.delete(at);
    },
    sha256: async (path) => {
      const file = fileAt(path);
      return file === undefined ? undefined : digestOf(file.content);
    },
    extract: async (archive, into, members) => {
      const file = fileAt(archive);
      if (file === undefined) throw fault('ENOENT', 'no such file or directory, open', archive);
      const entries = await unpackTar(file.content);
      for (const { member, as, mode } of members) {
        const entry = entries.get(member);
        if (entry === undefined) throw new Error(`${archive} has no member ${member}`);
        put(posix.join(into, as), entry.content, mode);
      }
    },
    members: async (archive) => {
      const file = fileAt(archive);
      if (file === undefined) throw fault('ENOENT', 'no such file or directory, open', archive);
      return [...(await unpackTar(file.content))].map(([name, { content }]) => ({
        name,
        size: sizeOf(content),
        sha256: digestOf(content),
      }));
    },
    pack: async (archive, members) => {
      const read = async (path: string): Promise<Uint8Array> => {
        const file = fileAt(path);
        if (file === undefined) throw fault('ENOENT', 'no such file or directory, open', path);
        return file.content;
      };
      put(archive, await packTar(await inMemory(members, read)), 0o644);
    },
  };
}

/** Growing file buffers with spare room, so that a log is not copied for each line. */
const roomy = new WeakMap<FileNode, Buffer>();

function grown(file: Extract<FileNode, { kind: 'file' }>, more: Uint8Array): Uint8Array {
  const length = file.content.length + more.length;
  let buffer = roomy.get(file);
  if (buffer === undefined || buffer.length < length || buffer.buffer !== file.content.buffer) {
    buffer = Buffer.alloc(length * 2);
    buffer.set(file.content);
    roomy.set(file, buffer);
  }
  buffer.set(more, file.content.length);
  return buffer.subarray(0, length);
}

/** An error with Node's own code and message. */
function fault(code: string, words: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${words} '${path}'`), { code, path });
}
