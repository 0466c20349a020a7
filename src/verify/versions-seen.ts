import type { Pod } from '../kube/kinds.ts';

/** Versions of helloworld in the sample application. */
export const VERSIONS = ['v1', 'v2'] as const;

export type Version = (typeof VERSIONS)[number];

/** The accepted probability of missing a reachable version. */
const ACCEPTED_MISS_CHANCE = 1e-9;
/** Number of requests when a version has no pod: it cannot respond, however many are sent. */
const MIN_REQUESTS = 8;

/**
 * How many requests, each on its own connection, find every reachable version with a probability of a miss of one in
 * 10⁹. The gateway's Envoy picks two pods at random, possibly the same one twice, and uses the one with fewer
 * connections. In the worst case a version is only chosen when both picks are its pods: (its pods / all pods)². Pure.
 */
export function requestsFor(pods: readonly Pod[]): number {
  const counts = VERSIONS.map(
    (version) => pods.filter(({ metadata }) => metadata.labels?.['version'] === version).length,
  );
  const least = Math.min(...counts);
  if (least === 0) return MIN_REQUESTS;
  const worst = (least / pods.length) ** 2;
  return Math.ceil(Math.log(ACCEPTED_MISS_CHANCE / VERSIONS.length) / Math.log(1 - worst));
}

/** The version in a response of helloworld. Pure. */
export function versionIn(body: string): Version | undefined {
  const found = /version: (v\d+)/.exec(body)?.[1];
  return VERSIONS.find((version) => version === found);
}
