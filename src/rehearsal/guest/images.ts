import { unpackTar } from '../../system/archives.ts';
import { containerdName, OWN_IMAGES } from '../cluster/images.ts';
import { K3S_IMAGES, readStandIn } from '../stand-in.ts';
import type { Instance } from '../world.ts';

const DIRECTORY = '/var/lib/rancher/k3s/agent/images/';

/**
 * k3s imports the archives in its directory each time it starts (docs/facts/k3s.md 6); images for another CPU cannot be
 * used.
 */
export async function importArchives(instance: Instance): Promise<void> {
  instance.importedImages.clear();
  for (const [path, { content }] of instance.files) {
    if (path.startsWith(DIRECTORY)) await importArchive(instance, content);
  }
}

/** One archive: k3s' own images, or what a container tool has saved. False for anything else. */
export async function importArchive(instance: Instance, content: string | Uint8Array): Promise<boolean> {
  const standIn = readStandIn(content);
  if (standIn?.artifact === K3S_IMAGES) {
    if (standIn.cpu === instance.cpu) instance.importedImages.add(OWN_IMAGES);
    return true;
  }
  const members = await unpackTar(Buffer.from(content as Uint8Array)).catch(() => undefined);
  const list = members?.get('manifest.json');
  if (members === undefined || list === undefined) return false;
  const images = jsonOf(list.content) as { Config: string; RepoTags: string[] | null; Layers: string[] }[];
  for (const { Config, RepoTags, Layers } of images) {
    const config = members.get(Config);
    if (config === undefined || !Layers.every((layer) => members.has(layer))) return false;
    if ((jsonOf(config.content) as { architecture?: string }).architecture !== instance.cpu) continue;
    for (const name of RepoTags ?? []) instance.importedImages.add(containerdName(name));
  }
  return true;
}

function jsonOf(content: Uint8Array): unknown {
  return JSON.parse(Buffer.from(content).toString('utf8'));
}
