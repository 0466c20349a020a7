import type { Config, VersionTable } from '../config/config.ts';
import type { ArchiveMember } from '../system/doors.ts';

/** The image that holds envoy and pilot-agent; its hub moved with Istio 1.30 (facts/istio-vm.md 1.5). */
export function proxyImage(config: Config, versions: VersionTable): string {
  const hub = versions.istio[config.istio.minor]?.hub ?? 'docker.io/istio';
  return `${hub}/proxyv2:${config.istio.version}`;
}

/** What a sidecar needs of it, by name inside the image (facts/istio-vm.md 1.5). */
export const IMAGE_MEMBERS: readonly ArchiveMember[] = [
  { member: 'usr/local/bin/envoy', as: 'envoy', mode: 0o755 },
  { member: 'usr/local/bin/pilot-agent', as: 'pilot-agent', mode: 0o755 },
  { member: 'var/lib/istio/envoy/envoy_bootstrap_tmpl.json', as: 'envoy_bootstrap_tmpl.json', mode: 0o644 },
];
