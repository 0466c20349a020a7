import type { Config, VersionTable } from '../config/config.ts';
import { knownRow } from '../config/versions.ts';
import { CURL_IMAGE } from '../manifests/deployment.ts';
import type { GatewayOverlay } from '../manifests/east-west-gateway.ts';
import type { ArchiveMember } from '../system/doors.ts';

/** Where the user's overlay takes Istio's own images from; see `gatewayOverlay`. */
type ImageOverlay = Pick<GatewayOverlay, 'hub' | 'tag' | 'global'>;

/** The image that holds envoy and pilot-agent (facts/istio-vm.md 1.5). */
export function proxyImage(config: Config, versions: VersionTable, overlay: ImageOverlay): string {
  return istioImage('proxyv2', config, versions, overlay);
}

/** Every image that the lab's pods ask for by name, without those of k3s itself. */
export function labImages(config: Config, versions: VersionTable, overlay: ImageOverlay): readonly string[] {
  const { helloworldImages } = knownRow(config.istio.version, versions);
  const own = ['pilot', 'proxyv2'].map((name) => istioImage(name, config, versions, overlay));
  return [...own, ...helloworldImages, CURL_IMAGE];
}

function istioImage(name: string, { istio }: Config, versions: VersionTable, overlay: ImageOverlay): string {
  const hub = overlay.hub ?? overlay.global['hub'] ?? knownRow(istio.version, versions).hub;
  const tag = overlay.tag ?? overlay.global['tag'] ?? istio.version;
  return `${String(hub)}/${name}:${String(tag)}`;
}

/** A name as pods and nodes write it out: registry, repository and tag. Container tools leave out what goes without saying. */
export function fullImageName(name: string): string {
  const [first = '', ...rest] = name.split('/');
  const registry = rest.length > 0 && /[.:]|^localhost$/.test(first);
  const repository = registry ? name : `docker.io/${rest.length > 0 ? '' : 'library/'}${name}`;
  return /[:@][^/]*$/.test(repository) ? repository : `${repository}:latest`;
}

/** What a sidecar needs of it, by name inside the image (facts/istio-vm.md 1.5). */
export const IMAGE_MEMBERS: readonly ArchiveMember[] = [
  { member: 'usr/local/bin/envoy', as: 'envoy', mode: 0o755 },
  { member: 'usr/local/bin/pilot-agent', as: 'pilot-agent', mode: 0o755 },
  { member: 'var/lib/istio/envoy/envoy_bootstrap_tmpl.json', as: 'envoy_bootstrap_tmpl.json', mode: 0o644 },
];
