import { createdAt } from '../cluster/kube.ts';
import type { DestinationRule, Service } from '../cluster/shapes.ts';
import { CONFIG_PUSH } from '../durations.ts';
import type { World } from '../world.ts';
import { hostMatches, serviceNamed } from './gateways.ts';
import type { Connection } from './registration.ts';

const RULES = 'destinationrules.networking.istio.io';

/** Whether a DestinationRule that has reached the proxies makes Envoy use each connection to a Service only once. */
export function closesEachConnection(world: World, { cluster }: Connection, service: Service): boolean {
  if (!cluster.has(RULES)) return false;
  const name = `${service.metadata.name}.${service.metadata.namespace ?? ''}.svc.cluster.local`;
  const isFor = (rule: DestinationRule): boolean => {
    const { host = '' } = rule.spec;
    const named = serviceNamed(cluster, host, rule.metadata.namespace ?? '');
    return named?.metadata.uid === service.metadata.uid || hostMatches(host, name);
  };
  return cluster.store
    .list(RULES)
    .filter((rule) => createdAt(rule) + CONFIG_PUSH <= world.clock.now() && isFor(rule))
    .some((rule) => rule.spec.trafficPolicy?.connectionPool?.http?.maxRequestsPerConnection === 1);
}
