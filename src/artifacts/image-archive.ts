import { z } from 'zod';
import { CliError } from '../errors/cli-error.ts';
import type { ArchiveListing, Cpu, System, TarMember } from '../system/system.ts';
import { fullImageName } from './images.ts';

type Files = Pick<System['files'], 'members' | 'extract' | 'readText' | 'sha256' | 'pack'>;

/** One image in an archive of `docker save` or `podman save`. */
export interface SavedImage {
  /** Names with registry and tag. */
  readonly names: readonly string[];
  readonly cpu: string;
  readonly config: Blob;
  readonly layers: readonly Blob[];
}

/** The content of an archive member. */
interface Blob {
  readonly sha256: string;
  readonly archive: string;
  readonly member: string;
}

const listSchema = z.array(
  z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()) }),
);
const configSchema = z.object({ architecture: z.string() });

/**
 * The images of an archive that docker or podman wrote: `manifest.json` names the configuration and the layers, which
 * are files or links to files.
 * @param work a temporary directory of istio-vms
 * @throws CliError `artifact-not-found` when it is not an image archive
 */
export async function readImages(archive: string, work: string, files: Files): Promise<readonly SavedImage[]> {
  try {
    const listing = new Map((await files.members(archive)).map((member) => [member.name, member]));
    const list = listSchema.parse(await jsonOf(archive, 'manifest.json', work, files));
    const images: SavedImage[] = [];
    for (const { Config, RepoTags, Layers } of list) {
      const { architecture } = configSchema.parse(await jsonOf(archive, Config, work, files));
      images.push({
        names: (RepoTags ?? []).map(fullImageName),
        cpu: architecture,
        config: blobAt(archive, Config, listing),
        layers: Layers.map((layer) => blobAt(archive, layer, listing)),
      });
    }
    return images;
  } catch (cause) {
    if (cause instanceof CliError && cause.reason === 'disk-full') throw cause;
    throw new CliError('artifact-not-found', {
      message: `${archive} is not an archive of container images.`,
      hint: 'Expected an archive that `docker save` or `podman save` has written, optionally gzipped.',
      cause,
    });
  }
}

/**
 * Packs these images for one CPU into one archive. It uses the names that pods request, stores shared layers once, and
 * is the same byte for byte whichever tool saved the images. It has the format of podman, which containerd imports
 * (tested with podman 4.3.1 and containerd 1.6.20).
 * @returns the image names in the archive
 */
export async function packImages(
  images: readonly SavedImage[],
  { cpu, into, work }: { readonly cpu: Cpu; readonly into: string; readonly work: string },
  files: Files,
): Promise<readonly string[]> {
  const byName = new Map(
    images
      .filter((image) => image.cpu === cpu)
      .flatMap((image) => image.names.map((name) => [name, image] as const))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  const blobs = new Map([...byName.values()].flatMap(contentOf).map((content) => [content.name, content.blob]));
  // Read each archive only once, however many members are taken from it.
  for (const archive of new Set([...blobs.values()].map((blob) => blob.archive))) {
    const wanted = [...blobs.values()].filter((blob) => blob.archive === archive);
    const members = wanted.map(({ member, sha256 }) => ({ member, as: sha256, mode: 0o600 }));
    await files.extract(archive, work, members);
  }
  const members: TarMember[] = [...blobs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { sha256 }]) => ({ name, content: { file: `${work}/${sha256}` }, mode: 0o644 }));
  const list = [...byName].map(([name, { config, layers }]) => ({
    Config: configName(config),
    RepoTags: [name],
    Layers: layers.map(layerName),
  }));
  await files.pack(into, [...members, { name: 'manifest.json', content: `${JSON.stringify(list)}\n`, mode: 0o644 }]);
  return [...byName.keys()];
}

const configName = ({ sha256 }: Blob): string => `${sha256}.json`;
const layerName = ({ sha256 }: Blob): string => `${sha256}.tar`;

function contentOf({ config, layers }: SavedImage): readonly { readonly name: string; readonly blob: Blob }[] {
  return [{ name: configName(config), blob: config }, ...layers.map((blob) => ({ name: layerName(blob), blob }))];
}

/** The content of a member, following links: older tools write a repeated layer as a link to the first copy. */
function blobAt(archive: string, name: string, listing: ReadonlyMap<string, ArchiveListing>, depth = 0): Blob {
  const found = listing.get(name);
  if (found === undefined || depth > 8) throw new Error(`${name} is not in it`);
  if (!('link' in found)) return { sha256: found.sha256, archive, member: name };
  const target = found.hard === true ? found.link : new URL(found.link, `file:///${name}`).pathname.slice(1);
  return blobAt(archive, target, listing, depth + 1);
}

async function jsonOf(archive: string, member: string, work: string, files: Files): Promise<unknown> {
  await files.extract(archive, work, [{ member, as: 'document.json', mode: 0o600 }]);
  return JSON.parse((await files.readText(`${work}/document.json`)) ?? '');
}
