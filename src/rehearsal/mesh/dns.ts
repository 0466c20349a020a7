import { clusterOf } from '../cluster/kube.ts';
import type { Instance, World } from '../world.ts';
import { serviceNamed } from './gateways.ts';
import type { Connection } from './registration.ts';

export type DnsAnswer = { addresses: string[] } | { error: string };

/** What DNS outside the cluster answers: public-looking names have an address, cluster names have none. */
function outside(name: string): DnsAnswer {
  const known = /\.[a-z]{2,}\.?$/.test(name) && !/\.(svc|local|internal|cluster)\.?$/.test(name);
  return known ? { addresses: ['203.0.113.10'] } : { error: 'NXDOMAIN' };
}

/**
 * A query to the machine's own resolver. With rules but without a name table every query is SERVFAIL; with it, cluster
 * names get their cluster address and others are forwarded (docs/facts/istio-vm.md 5.7).
 */
export function resolveOnVm(
  world: World,
  instance: Instance,
  connection: Connection | undefined,
  name: string,
): DnsAnswer {
  if (!instance.rules) return outside(name);
  if (connection === undefined) return { error: 'SERVFAIL' };
  if (!connection.settings.dnsCapture || clusterOf(world) !== connection.cluster) return outside(name);
  const found = serviceNamed(connection.cluster, name, connection.settings.namespace);
  const address = found?.spec.clusterIP;
  return address === undefined || address === 'None' ? outside(name) : { addresses: [address] };
}
