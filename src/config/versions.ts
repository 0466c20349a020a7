import type { VersionRow, VersionTable } from './config.ts';

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

/** Known minors, oldest first. */
function knownMinors(versions: VersionTable): readonly string[] {
  return Object.keys(versions.istio).sort((a, b) => (isAtLeast(a, b) ? 1 : -1));
}

/** `1.19 to 1.32`, from the table. */
export function supportedRange(versions: VersionTable): string {
  const minors = knownMinors(versions);
  return `${minors[0] ?? ''} to ${minors.at(-1) ?? ''}`;
}

/** The newest known minor, if this version is newer than it; its rules then apply to the version. */
export function nearestKnownMinor(version: string, versions: VersionTable): string | undefined {
  const newest = knownMinors(versions).at(-1);
  const minor = minorOf(version);
  return newest !== undefined && minor !== newest && isAtLeast(minor, newest) ? newest : undefined;
}

/** The row of an Istio version. A newer minor than we know has the newest row; undefined for one that is too old. */
export function istioRow(version: string, versions: VersionTable): VersionRow | undefined {
  const minor = nearestKnownMinor(version, versions) ?? minorOf(version);
  return Object.hasOwn(versions.istio, minor) ? versions.istio[minor] : undefined;
}

/** The row of a version that `loadConfig` has accepted. @throws Error when it was not */
export function knownRow(version: string, versions: VersionTable): VersionRow {
  const row = istioRow(version, versions);
  if (row === undefined) throw new Error(`data/versions.json has no row for Istio ${version}.`);
  return row;
}
