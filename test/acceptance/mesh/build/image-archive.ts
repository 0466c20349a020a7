import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack, type Pack } from 'tar-stream';

/** One entry of an image layer. */
export type Entry =
  | { readonly path: string; readonly mode: number; readonly file: string }
  | { readonly path: string; readonly mode: number; readonly text: string }
  | { readonly path: string; readonly mode: number; readonly directory: true };

export interface Image {
  /** Full references, as in pod specs: `docker.io/istio/pilot:1.30.4`. */
  readonly tags: readonly string[];
  /** Path of an existing layer (a tar), below the layer of `entries`. */
  readonly base?: string;
  readonly entries: readonly Entry[];
  readonly config: {
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[];
    readonly Env?: readonly string[];
    readonly User?: string;
    readonly WorkingDir?: string;
    readonly ExposedPorts?: Readonly<Record<string, object>>;
  };
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const EPOCH = new Date(0);

/** Writes images into one archive in the format of `docker save`. Shared layers are stored once; the output is reproducible. */
export async function writeImages(output: string, images: readonly Image[]): Promise<void> {
  const work = await mkdtemp(join(dirname(output), 'layers-'));
  try {
    const archive = pack();
    const written = pipeline(archive, createWriteStream(output));
    const manifest = [];
    const added = new Set<string>();
    for (const [index, image] of images.entries()) {
      const own = join(work, `${index}.tar`);
      await writeLayer(own, image.entries);
      const layers = [];
      for (const file of [...(image.base === undefined ? [] : [image.base]), own]) {
        const digest = await sha256(file);
        layers.push(digest);
        if (added.has(digest)) continue;
        added.add(digest);
        await addFile(archive, `${digest}/layer.tar`, 0o644, file);
      }
      const config = configOf(image, layers);
      const id = createHash('sha256').update(config).digest('hex');
      addText(archive, `${id}.json`, 0o644, config);
      manifest.push({
        Config: `${id}.json`,
        RepoTags: image.tags,
        Layers: layers.map((digest) => `${digest}/layer.tar`),
      });
    }
    addText(archive, 'manifest.json', 0o644, JSON.stringify(manifest));
    archive.finalize();
    await written;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function configOf({ config }: Image, layers: readonly string[]): string {
  return JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    created: EPOCH.toISOString(),
    config: { ...config, Env: [PATH, ...(config.Env ?? [])] },
    rootfs: { type: 'layers', diff_ids: layers.map((digest) => `sha256:${digest}`) },
    history: layers.map(() => ({ created: EPOCH.toISOString(), created_by: 'mesh rig' })),
  });
}

async function writeLayer(output: string, entries: readonly Entry[]): Promise<void> {
  const layer = pack();
  const written = pipeline(layer, createWriteStream(output));
  const known = new Set<string>();
  for (const entry of entries) {
    for (const parent of parentsOf(entry.path)) {
      if (known.has(parent)) continue;
      known.add(parent);
      layer.entry({ ...header(parent, 0o755), type: 'directory' });
    }
    if ('directory' in entry) {
      known.add(entry.path);
      layer.entry({ ...header(entry.path, entry.mode), type: 'directory' });
    } else if ('text' in entry) addText(layer, entry.path, entry.mode, entry.text);
    else await addFile(layer, entry.path, entry.mode, entry.file);
  }
  layer.finalize();
  await written;
}

/** Parent directories of an absolute path, outermost first, except those that are links in Debian's merged /usr. */
function parentsOf(path: string): readonly string[] {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`).filter((each) => !/^\/s?bin$/.test(each));
}

const header = (path: string, mode: number) => ({
  name: path.replace(/^\//, ''),
  mode,
  mtime: EPOCH,
  uid: 0,
  gid: 0,
});

function addText(archive: Pack, path: string, mode: number, text: string): void {
  archive.entry(header(path, mode), text);
}

async function addFile(archive: Pack, path: string, mode: number, file: string): Promise<void> {
  const { size } = await stat(file);
  await pipeline(createReadStream(file), archive.entry({ ...header(path, mode), size }));
}

async function sha256(file: string): Promise<string> {
  if ((await stat(file)).size < 1 << 20)
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
