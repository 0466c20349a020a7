import type { VersionTable } from './config.ts';

/** `1.19` of `1.19.3`. */
export function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/** Kubernetes' minor inside a k3s version: `1.28` of `v1.28.15+k3s1`. */
export function kubernetesMinor(k3sVersion: string): string {
  return minorOf(k3sVersion.slice(1));
}

/** Whether a minor is at least another: numbers, not text (`1.9` < `1.30`). */
export function isAtLeast(minor: string, floor: string): boolean {
  const [major = 0, rest = 0] = minor.split('.').map(Number);
  const [floorMajor = 0, floorRest = 0] = floor.split('.').map(Number);
  return major > floorMajor || (major === floorMajor && rest >= floorRest);
}

/** `1.19 to 1.30`, out of the table. */
export function supportedRange(versions: VersionTable): string {
  const minors = Object.keys(versions.istio).sort((a, b) => (isAtLeast(a, b) ? 1 : -1));
  return `${minors[0] ?? ''} to ${minors.at(-1) ?? ''}`;
}

/** The row of an Istio version; undefined for a minor that we do not know. */
export function istioRow(version: string, versions: VersionTable) {
  const minor = minorOf(version);
  return Object.hasOwn(versions.istio, minor) ? versions.istio[minor] : undefined;
}
