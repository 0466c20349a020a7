import { UBUNTU_RELEASES } from '../images.ts';
import type { World } from '../../world.ts';
import { serverOf } from './traits.ts';

/** Names of the releases' aliases on `images:`; each release also has its code name. */
const CODE_NAMES: Readonly<Record<string, string>> = {
  focal: '20.04',
  jammy: '22.04',
  noble: '24.04',
  questing: '25.10',
  resolute: '26.04',
};

/** The Ubuntu release in an image; for the user's own image it is a guess. */
export function imageReleaseOf(image: string): string {
  const [, word = ''] = /^images:ubuntu\/([^/]+)/.exec(image) ?? [];
  return CODE_NAMES[word] ?? /\d\d\.\d\d/.exec(image)?.[0] ?? '22.04';
}

/** The release in an image, if the image exists: that of the configuration, or one of Ubuntu's on `images:`. */
export function findImage({ engine }: World, image: string): string | undefined {
  const incus = serverOf(engine);
  const bare = (name: string | undefined): string | undefined =>
    incus.remote === undefined ? name : name?.replace(`${incus.remote}:`, '');
  const release = imageReleaseOf(image);
  const isPublic = /^images:ubuntu\/[^/]+(\/cloud)?$/.test(image);
  if (isPublic) return UBUNTU_RELEASES.has(release) ? release : undefined;
  return bare(image) === bare(incus.image) ? release : undefined;
}
