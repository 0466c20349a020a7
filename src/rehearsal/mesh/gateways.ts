import { podObjects, serviceObjects, type SimulatedCluster } from '../cluster/kube.ts';
import { matchesMap } from '../cluster/selectors.ts';
import { isReady, type GatewayServer, type Pod, type Service, type ServicePort } from '../cluster/shapes.ts';
import type { KubeObject, World } from '../world.ts';

/** Ready pods behind a Service. */
export function podsBehind(cluster: SimulatedCluster, service: Service): readonly Pod[] {
  return podObjects(cluster.store).filter(
    (pod) =>
      pod.metadata.namespace === service.metadata.namespace &&
      matchesMap(service.spec.selector, pod.metadata.labels) &&
      isReady(pod),
  );
}

/** Whether a running machine has this address. */
export function isAlive(world: World, address: string): boolean {
  return [...world.engine.instances.values()].some(
    (instance) => instance.address === address && instance.state === 'Running',
  );
}

/** The Service that answers at a node's address and port, with the port. */
export function balancedAt(
  cluster: SimulatedCluster,
  address: string,
  port: number,
): { service: Service; port: ServicePort } | undefined {
  for (const service of serviceObjects(cluster.store)) {
    if (service.status?.loadBalancer.ingress?.some(({ ip }) => ip === address) !== true) continue;
    const found = service.spec.ports?.find((candidate) => candidate.port === port);
    if (found !== undefined) return { service, port: found };
  }
  return undefined;
}

/** Gateway servers on a Service port on which Envoy behind this Service listens. */
export function serversOn(
  cluster: SimulatedCluster,
  service: Service,
  port: number,
): { gateway: KubeObject; server: GatewayServer }[] {
  const inside = service.spec.ports?.find((candidate) => candidate.port === port)?.targetPort ?? port;
  if (!canListen(Number(inside))) return [];
  const pods = podsBehind(cluster, service);
  return cluster.store.list('gateways.networking.istio.io').flatMap((gateway) => {
    const { spec } = gateway;
    if (!pods.some((pod) => matchesMap(spec.selector, pod.metadata.labels))) return [];
    return (spec.servers ?? []).filter((server) => server.port.number === port).map((server) => ({ gateway, server }));
  });
}

/** Ports that the proxy of a gateway's pod uses itself, by its bootstrap and the agent. */
const TAKEN = [15000, 15004, 15020, 15021, 15090];

/** istiod skips ports below 1024 for a pod without privileges (pilot/pkg/networking/core/gateway.go). */
const canListen = (port: number): boolean => port >= 1024 && !TAKEN.includes(port);

/** The destination of this SNI on this port of a passthrough gateway, by its VirtualServices. */
export function tlsDestination(
  cluster: SimulatedCluster,
  gateway: KubeObject,
  port: number,
  sni: string,
): { host: string; port: number } | undefined {
  const { name, namespace = '' } = gateway.metadata;
  for (const route of cluster.store.list('virtualservices.networking.istio.io')) {
    const { spec } = route;
    const bound = (spec.gateways ?? []).some(
      (entry) => entry === `${namespace}/${name}` || (entry === name && route.metadata.namespace === namespace),
    );
    if (!bound) continue;
    for (const { match = [], route: targets = [] } of spec.tls ?? []) {
      const hit = match.some(
        (entry) =>
          (entry.port === undefined || entry.port === port) &&
          (entry.sniHosts ?? []).some((host) => hostMatches(host, sni)),
      );
      const destination = targets[0]?.destination;
      if (hit && destination !== undefined) return { host: destination.host, port: destination.port?.number ?? 0 };
    }
  }
  return undefined;
}

/** `*`, `*.suffix`, or the name itself. */
export function hostMatches(pattern: string, host: string): boolean {
  return pattern === '*' || pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)));
}

/** The Service of a DNS name as seen from a namespace: `svc`, `svc.ns`, `svc.ns.svc`, or the whole name. */
export function serviceNamed(cluster: SimulatedCluster, name: string, from: string): Service | undefined {
  const short = name.replace(/\.$/, '').replace(/\.svc(\.cluster\.local)?$/, '');
  const [service = '', namespace = from, ...rest] = short.split('.');
  if (rest.length > 0) return undefined;
  return cluster.store.get('services', namespace, service);
}
