import { PULL_LARGE, PULL_SMALL } from '../durations.ts';

/**
 * Images that exist, by repository without its registry. All exist for amd64 and arm64 (docs/facts/istio-vm.md 7).
 * Istio's other registries, gcr.io/istio-release and registry.istio.io, close in December 2026, so no image is found
 * there.
 */
const REPOSITORIES: readonly { readonly pattern: RegExp; readonly tag: RegExp; readonly pull: number }[] = [
  {
    pattern: /^(?!(registry\.istio|gcr)\.io\/)(.*\/)?(pilot|proxyv2)$/,
    tag: /^1\.\d+\.\d+(-debug|-distroless)?$/,
    pull: PULL_LARGE,
  },
  {
    pattern: /^(docker\.io\/istio|istio)\/examples-helloworld-v[12]$/,
    tag: /^(latest|1\.0)$/,
    pull: PULL_LARGE,
  },
  { pattern: /^(docker\.io\/)?curlimages\/curl$/, tag: /^(latest|\d+\.\d+\.\d+)$/, pull: PULL_SMALL },
  { pattern: /^(docker\.io\/)?rancher\//, tag: /./, pull: PULL_SMALL },
];

/** Milliseconds that a first pull takes; undefined when there is no such image. */
export function pullTime(image: string): number | undefined {
  const colon = image.lastIndexOf(':');
  const tagged = colon > image.lastIndexOf('/');
  const repository = tagged ? image.slice(0, colon) : image;
  const tag = tagged ? image.slice(colon + 1) : 'latest';
  return REPOSITORIES.find((known) => known.pattern.test(repository) && known.tag.test(tag))?.pull;
}

/**
 * When a kubelet contacts the registry. The API server writes its default into the Deployment before any webhook has
 * replaced the image `auto` (docs/facts/real-mesh.md 6.1).
 */
export function pullPolicy({ image, imagePullPolicy }: { image: string; imagePullPolicy?: string }): string {
  if (imagePullPolicy !== undefined && imagePullPolicy !== '') return imagePullPolicy;
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return image.includes('@') || (tag !== undefined && tag !== 'latest') ? 'IfNotPresent' : 'Always';
}

/** The full image name, as containerd stores it. */
export function containerdName(image: string): string {
  const [first = '', ...rest] = image.split('/');
  if (rest.length > 0 && /[.:]/.test(first)) return image;
  return `docker.io/${rest.length > 0 ? image : `library/${image}`}`;
}

/** Stands for all of k3s' own images, because their list differs in each version. */
export const OWN_IMAGES = 'docker.io/rancher/*';

/** Whether the node has this image from an archive that k3s has imported. */
export function isImported(imported: ReadonlySet<string>, image: string): boolean {
  const name = containerdName(image);
  return imported.has(name) || (name.startsWith('docker.io/rancher/') && imported.has(OWN_IMAGES));
}
