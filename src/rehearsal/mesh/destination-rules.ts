import { createdAt } from '../cluster/kube.ts';
import type { Service } from '../cluster/shapes.ts';
import { CONFIG_PUSH } from '../durations.ts';
import type { KubeObject, World } from '../world.ts';
import { hostMatches, serviceNamed } from './gateways.ts';
import type { Connection } from './registration.ts';

const RULES = 'destinationrules.networking.istio.io';

interface RuleSpec {
  readonly host?: string;
  readonly trafficPolicy?: {
    readonly connectionPool?: { readonly http?: { readonly maxRequestsPerConnection?: number } };
  };
}

/** Whether a DestinationRule that has reached the proxies makes Envoy use each connection to a Service only once. */
export function closesEachConnection(world: World, { cluster }: Connection, service: Service): boolean {
  if (!cluster.has(RULES)) return false;
  const name = `${service.metadata.name}.${service.metadata.namespace ?? ''}.svc.cluster.local`;
  const isFor = (rule: KubeObject): boolean => {
    const { host = '' } = (rule['spec'] ?? {}) as RuleSpec;
    const named = serviceNamed(cluster, host, rule.metadata.namespace ?? '');
    return named?.metadata.uid === service.metadata.uid || hostMatches(host, name);
  };
  return cluster.store
    .list(RULES)
    .filter((rule) => createdAt(rule) + CONFIG_PUSH <= world.clock.now() && isFor(rule))
    .some((rule) => (rule['spec'] as RuleSpec).trafficPolicy?.connectionPool?.http?.maxRequestsPerConnection === 1);
}
