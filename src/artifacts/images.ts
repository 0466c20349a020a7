import type { Config, VersionTable } from '../config/config.ts';
import { knownRow } from '../config/versions.ts';
import { CURL_IMAGE } from '../manifests/deployment.ts';
import type { ArchiveMember } from '../system/doors.ts';

/** The image that holds envoy and pilot-agent (facts/istio-vm.md 1.5). */
export function proxyImage(config: Config, versions: VersionTable): string {
  return `${knownRow(config.istio.version, versions).hub}/proxyv2:${config.istio.version}`;
}

/** Every image that the lab's pods ask for by name, without those of k3s itself. */
export function labImages(config: Config, versions: VersionTable): readonly string[] {
  const { version } = config.istio;
  const { hub, helloworldImages } = knownRow(version, versions);
  return [`${hub}/pilot:${version}`, proxyImage(config, versions), ...helloworldImages, CURL_IMAGE];
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
