import ipaddr from 'ipaddr.js';

/**
 * Pod and service networks of k3s: a machine is never reached through these addresses from outside
 * (docs/facts/multipass.md 2.6, docs/facts/k3s.md 2).
 */
const CLUSTER_RANGES = ['10.42.0.0/16', '10.43.0.0/16'].map((range) => ipaddr.IPv4.parseCIDR(range));

/** IPv4 literals in their original order; `N/A` and `UNKNOWN` mean that there is none. */
export function usableAddresses(shown: readonly string[]): string[] {
  return shown.filter((address) => ipaddr.IPv4.isValidFourPartDecimal(address));
}

/**
 * The address at which this computer reaches the machine: one in a network that it shares with other machines,
 * otherwise the first. Container bridges on the machine usually come later in the list, but may come first when the
 * daemon has lost track of the address.
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

/** Engines use a /24 on every platform except Hyper-V (/20), where the first address is used. */
const network = (address: string): string => address.slice(0, address.lastIndexOf('.'));
