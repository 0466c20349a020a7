import type { VersionRow, VersionTable } from './config.ts';

/** The minor version: `1.19` for `1.19.3`. */
export function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/** The Kubernetes minor of a k3s version: `1.28` for `v1.28.15+k3s1`. */
export function kubernetesMinor(k3sVersion: string): string {
  return minorOf(k3sVersion.slice(1));
}

/** Compares minors as numbers, not as text (`1.9` < `1.30`). */
export function isAtLeast(minor: string, floor: string): boolean {
  const [major = 0, rest = 0] = minor.split('.').map(Number);
  const [floorMajor = 0, floorRest = 0] = floor.split('.').map(Number);
  return major > floorMajor || (major === floorMajor && rest >= floorRest);
}

/** Known minors, oldest first. */
function knownMinors(versions: VersionTable): readonly string[] {
  return Object.keys(versions.istio).sort((a, b) => (isAtLeast(a, b) ? 1 : -1));
}

/** `1.19 to 1.32`, from the table. */
export function supportedRange(versions: VersionTable): string {
  const minors = knownMinors(versions);
  return `${minors[0] ?? ''} to ${minors.at(-1) ?? ''}`;
}

/** The newest known minor, if this version is newer; its rules then apply to the version. */
export function nearestKnownMinor(version: string, versions: VersionTable): string | undefined {
  const newest = knownMinors(versions).at(-1);
  const minor = minorOf(version);
  return newest !== undefined && minor !== newest && isAtLeast(minor, newest) ? newest : undefined;
}

/**
 * The row of an Istio version. A minor newer than the known ones uses the newest row; undefined for one that is too
 * old.
 */
export function istioRow(version: string, versions: VersionTable): VersionRow | undefined {
  const minor = nearestKnownMinor(version, versions) ?? minorOf(version);
  return Object.hasOwn(versions.istio, minor) ? versions.istio[minor] : undefined;
}

/** The row of a version that `loadConfig` accepted. @throws Error for any other version */
export function knownRow(version: string, versions: VersionTable): VersionRow {
  const row = istioRow(version, versions);
  if (row === undefined) throw new Error(`data/versions.json has no row for Istio ${version}.`);
  return row;
}

/** The published istioctl builds (docs/facts/istio-vm.md 1.1). */
export const ISTIOCTL_BUILDS = ['osx-arm64', 'osx-amd64', 'linux-armv7', 'linux-arm64', 'linux-amd64'] as const;
