import type { GuestFile, GuestScript } from '../machines/machine.ts';
import { shippedScript, type GuestTexts } from './shipped.ts';

/** k3s imports whatever archives lie here, each time it starts, before its first pod (docs/facts/k3s.md 6). */
const DIRECTORY = '/var/lib/rancher/k3s/agent/images';

/** An archive of images on this computer. */
export interface ImageArchive {
  /** Its name on the node: the same for every version, so that a later one takes its place. */
  readonly name: string;
  readonly file: string;
}

/** Archives on their way onto a node, and the script that hands them to a k3s that runs already. */
export function imageFiles(
  shipped: GuestTexts,
  archives: readonly ImageArchive[],
): { readonly files: readonly GuestFile[]; readonly script: GuestScript } {
  return {
    files: archives.map(({ name, file }) => ({ path: `${DIRECTORY}/${name}`, content: { file }, mode: 0o644 })),
    script: shippedScript(shipped, 'images-import.sh'),
  };
}
