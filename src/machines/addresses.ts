import ipaddr from 'ipaddr.js';

/**
 * Pods and services of k3s: never the way to a machine from outside (docs/facts/multipass.md 2.6, docs/facts/k3s.md 2).
 */
const CLUSTER_RANGES = ['10.42.0.0/16', '10.43.0.0/16'].map((range) => ipaddr.IPv4.parseCIDR(range));

/** IPv4 literals in their order; `N/A` and `UNKNOWN` stand for none. */
export function usableAddresses(shown: readonly string[]): string[] {
  return shown.filter((address) => ipaddr.IPv4.isValidFourPartDecimal(address));
}

/**
 * The address under which this computer reaches the machine: one in a network that other machines are in too, else the
 * first. Bridges of containers on the machine come later in the list, but may come first when the daemon has lost track.
 *
 * @param others addresses of the other machines
 */
export function managementAddress(own: readonly string[], others: readonly string[]): string | undefined {
  const candidates = outsideCluster(own);
  const neighbors = new Set(outsideCluster(others).map(network));
  return candidates.find((address) => neighbors.has(network(address))) ?? candidates[0];
}

function outsideCluster(addresses: readonly string[]): string[] {
  return addresses.filter((address) => !CLUSTER_RANGES.some((range) => ipaddr.IPv4.parse(address).match(range)));
}

/** Engines hand out a /24 on every platform but one (Hyper-V's /20), where the first address has to do. */
const network = (address: string): string => address.slice(0, address.lastIndexOf('.'));
