import type { Pod } from '../kube/kinds.ts';

/** Versions of helloworld in the sample application. */
export const VERSIONS = ['v1', 'v2'] as const;

export type Version = (typeof VERSIONS)[number];

/** How likely a version that can be reached may be missed. */
const MISS = 1e-9;
/** Requests where a version has no pod: it cannot answer, however often it is asked. */
const FEW = 8;

/**
 * How many requests, each on a connection of its own, find every version that can be reached with odds of one in 10⁹
 * against it. The gateway's Envoy takes two pods at random, which may be the same, and of them the one with fewer
 * connections; in the worst case a version is only chosen when both are its own: (its pods / all pods)². Pure.
 */
export function requestsFor(pods: readonly Pod[]): number {
  const counts = VERSIONS.map(
    (version) => pods.filter(({ metadata }) => metadata.labels?.['version'] === version).length,
  );
  const least = Math.min(...counts);
  if (least === 0) return FEW;
  const worst = (least / pods.length) ** 2;
  return Math.ceil(Math.log(MISS / VERSIONS.length) / Math.log(1 - worst));
}

/** The version that an answer of helloworld names. Pure. */
export function versionIn(body: string): Version | undefined {
  const found = /version: (v\d+)/.exec(body)?.[1];
  return VERSIONS.find((version) => version === found);
}
