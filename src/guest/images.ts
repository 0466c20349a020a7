import type { GuestFile, GuestScript } from '../machines/machine.ts';
import { shippedScript, type GuestTexts } from './shipped.ts';

/** k3s imports all archives in this directory each time it starts, before its first pod (docs/facts/k3s.md 6). */
const DIRECTORY = '/var/lib/rancher/k3s/agent/images';

/** An archive of images on this computer. */
export interface ImageArchive {
  /** File name on the node. It is the same for every version, so that a later archive replaces an earlier one. */
  readonly name: string;
  readonly file: string;
}

/** Archives to copy to a node, and the script that imports them into a k3s that is already running. */
export function imageFiles(
  shipped: GuestTexts,
  archives: readonly ImageArchive[],
): { readonly files: readonly GuestFile[]; readonly script: GuestScript } {
  return {
    files: archives.map(({ name, file }) => ({ path: `${DIRECTORY}/${name}`, content: { file }, mode: 0o644 })),
    script: shippedScript(shipped, 'images-import.sh'),
  };
}
