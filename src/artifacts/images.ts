import type { Config, VersionTable } from '../config/config.ts';
import { knownRow } from '../config/versions.ts';
import { CURL_IMAGE } from '../kube/manifests/deployment.ts';
import { fieldsAt, textOf } from '../kube/overlay/fields.ts';
import type { ImageOverlay } from '../kube/overlay/overlay.ts';
import type { ArchiveMember } from '../system/system.ts';

/** The image that holds envoy and pilot-agent (docs/facts/istio-vm.md 1.5): the one that istiod injects. */
export function proxyImage(config: Config, versions: VersionTable, overlay: ImageOverlay): string {
  const { variant } = overlay.global;
  const { image: name = 'proxyv2' } = fieldsAt(overlay.global, 'proxy');
  const { hub, tag } = source(config, versions, overlay);
  // A variant replaces the one in the tag (ProxyImage in pkg/kube/inject/inject.go).
  const bare = variant === undefined || variant === '' ? tag : tag.replace(/-(distroless|debug)$/, '');
  return imageName(hub, name, bare, variant === 'default' ? undefined : variant);
}

/** Every image that the lab's pods use, without those of k3s itself. */
export function labImages(config: Config, versions: VersionTable, overlay: ImageOverlay): readonly string[] {
  const { helloworldImages } = knownRow(config.istio.version, versions);
  const { hub, tag } = source(config, versions, overlay);
  const { pilot = {}, gatewayTags = [] } = overlay;
  const { variant } = overlay.global;
  const own = [
    imageName(pilot['hub'] ?? hub, pilot['image'] ?? 'pilot', pilot['tag'] ?? tag, pilot['variant'] ?? variant),
    proxyImage(config, versions, overlay),
    ...gatewayTags.map((each) => imageName(hub, 'proxyv2', each, variant)),
  ];
  return [...new Set([...own, ...helloworldImages, CURL_IMAGE])];
}

/** The default hub and tag; `values.global` overrides `spec.hub` and `spec.tag`. */
function source({ istio }: Config, versions: VersionTable, { hub, tag, global }: ImageOverlay) {
  return {
    hub: textOf(global['hub'] ?? hub ?? knownRow(istio.version, versions).hub),
    tag: textOf(global['tag'] ?? tag ?? istio.version),
  };
}

/** An image name as Istio's charts build it: a name with a slash is already complete. */
function imageName(hub: unknown, name: unknown, tag: unknown, variant: unknown): string {
  if (textOf(name).includes('/')) return textOf(name);
  const suffix = variant === undefined || variant === '' ? '' : `-${textOf(variant)}`;
  return `${textOf(hub)}/${textOf(name)}:${textOf(tag)}${suffix}`;
}

/**
 * The full name as pods and nodes use it: registry, repository and tag. Container tools omit the default registry and
 * tag.
 */
export function fullImageName(name: string): string {
  const [first = '', ...rest] = name.split('/');
  const registry = rest.length > 0 && /[.:]|^localhost$/.test(first);
  const repository = registry ? name : `docker.io/${rest.length > 0 ? '' : 'library/'}${name}`;
  return /[:@][^/]*$/.test(repository) ? repository : `${repository}:latest`;
}

/** The files that a sidecar needs from the image, by path in the image (docs/facts/istio-vm.md 1.5). */
export const IMAGE_MEMBERS: readonly ArchiveMember[] = [
  { member: 'usr/local/bin/envoy', as: 'envoy', mode: 0o755 },
  { member: 'usr/local/bin/pilot-agent', as: 'pilot-agent', mode: 0o755 },
  { member: 'var/lib/istio/envoy/envoy_bootstrap_tmpl.json', as: 'envoy_bootstrap_tmpl.json', mode: 0o644 },
];
