import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';

/** Directory of all build results, outside the work tree and kept between runs. */
export const CACHE =
  process.env['MESH_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'istio-vms-mesh');

/** One line of progress, on stderr. */
export function say(text: string): void {
  process.stderr.write(`mesh: ${text}\n`);
}

export interface Recipe {
  /** Name of the folder in the cache. */
  readonly name: string;
  /** Everything that the result depends on: versions, flags, digests of other results. */
  readonly from: readonly string[];
  /** Files and directories of this project that the result is built from. */
  readonly sources?: readonly string[];
  /** Builds the result in an empty directory. */
  readonly make: (directory: string) => Promise<void>;
}

export interface Built {
  readonly directory: string;
  /** Digest of all inputs. */
  readonly digest: string;
}

const inProgress = new Map<string, Promise<void>>();

/** Returns the directory with the result, and builds it if the cache has none for these inputs. */
export async function build(recipe: Recipe): Promise<Built> {
  const { name, from, sources = [] } = recipe;
  const digest = digestOf([...from, ...(await Promise.all(sources.map(contentOf)))]);
  const directory = join(CACHE, name, digest);
  const making = inProgress.get(directory) ?? buildIfMissing(recipe, directory);
  inProgress.set(directory, making);
  await making;
  return { directory, digest };
}

async function buildIfMissing({ name, make }: Recipe, directory: string): Promise<void> {
  if (await exists(directory)) return;
  await mkdir(join(CACHE, name), { recursive: true });
  const work = await mkdtemp(join(CACHE, name, 'new-'));
  const started = performance.now();
  say(`building ${name}`);
  try {
    await make(work);
    // mkdtemp uses mode 0700, but users in containers must be able to read it.
    await chmod(work, 0o755);
    await rename(work, directory);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  say(`built ${name} in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  await removeOlder(name, basename(directory));
}

/** A directory below `work` that is kept between builds, for Go's main modules with their go.sum. */
export async function workDirectory(name: string): Promise<string> {
  const directory = join(CACHE, 'work', name);
  await mkdir(directory, { recursive: true });
  return directory;
}

/** Writes a file only if its content differs, so that build tools see no change. */
export async function writeIfChanged(path: string, text: string): Promise<boolean> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return false;
  await writeFile(path, text);
  return true;
}

/** Keeps the newest two results of a name, since another checkout may use the older one. */
async function removeOlder(name: string, digest: string): Promise<void> {
  const parent = join(CACHE, name);
  const others = (await readdir(parent)).filter((each) => each !== digest && !each.startsWith('new-'));
  const dated = await Promise.all(
    others.map(async (each) => ({ path: join(parent, each), at: (await stat(join(parent, each))).mtimeMs })),
  );
  const old = dated.sort((a, b) => b.at - a.at).slice(1);
  await Promise.all(old.map(({ path }) => rm(path, { recursive: true, force: true })));
}

function digestOf(parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return hash.digest('hex').slice(0, 16);
}

/** Names and contents of a file or of all files below a directory. */
async function contentOf(path: string): Promise<string> {
  if ((await stat(path)).isFile()) return readFile(path, 'utf8');
  const names = (await readdir(path, { recursive: true })).filter((each) => !each.includes('__pycache__')).sort();
  const texts = await Promise.all(
    names.map(async (name) => {
      const file = join(path, name);
      return (await stat(file)).isFile() ? `${name}\n${await readFile(file, 'utf8')}` : '';
    }),
  );
  return texts.join('\n');
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
