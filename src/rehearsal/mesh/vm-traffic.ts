import { deploymentObjects, podObjects, type SimulatedCluster } from '../cluster/kube.ts';
import { matchesMap } from '../cluster/selectors.ts';
import { isReady, type Service } from '../cluster/shapes.ts';
import { guestText } from '../guest/files.ts';
import type { HttpAnswer, Instance, World } from '../world.ts';
import * as answer from './answers.ts';
import { isDenied } from './authorization.ts';
import { pickOne, type Connections, type Random } from './connections.ts';
import { closesEachConnection } from './destination-rules.ts';
import { resolveOnVm } from './dns.ts';
import { hostMatches, isAlive, podsBehind, serversOn, serviceNamed } from './gateways.ts';
import { demoListens } from './health.ts';
import { ENTRIES, type Connection } from './registration.ts';
import { demoAnswer, isInjected, podAnswer } from './servers.ts';

const NETWORK = 'topology.istio.io/network';

/** Envoy's random choices, and the connections that it holds. */
export interface Chance {
  readonly random: Random;
  readonly connections: Connections;
}

/**
 * An HTTP request of an ordinary user on a workload VM: checks the machine itself, its names, then Envoy if the rules
 * are on.
 */
export function requestFromVm(
  world: World,
  instance: Instance,
  connection: Connection | undefined,
  url: string,
  chance: Chance,
): HttpAnswer {
  const target = answer.targetOf(url);
  if (target === undefined) return answer.badUrl();
  const { host, port, path } = target;
  if (host === 'localhost' || host === '127.0.0.1')
    return demoAnswer(instance, port, path) ?? answer.refused(host, port);
  if (host === instance.address) return demoAnswer(instance, port, path) ?? answer.refused(host, port);
  const address = answer.isAddress(host) ? host : lookUp(world, instance, connection, host);
  if (address === undefined) return answer.noSuchHost(host);
  if (!instance.rules) return address.startsWith('203.0.113.') ? answer.http(200, '') : unrouted(world, address, port);
  if (connection === undefined) return answer.refused(host, port);
  const service = serviceNamed(connection.cluster, host, connection.settings.namespace);
  if (service === undefined) return address.startsWith('203.0.113.') ? answer.http(200, '') : answer.upstreamTimeout();
  return toService(world, instance, connection, service, { port, path }, chance);
}

/** /etc/hosts first, then the resolver. */
function lookUp(
  world: World,
  instance: Instance,
  connection: Connection | undefined,
  host: string,
): string | undefined {
  for (const line of (guestText(instance, '/etc/hosts') ?? '').split('\n')) {
    const [address, ...names] = line.trim().split(/\s+/);
    if (names.includes(host)) return address;
  }
  const found = resolveOnVm(world, instance, connection, host);
  return 'addresses' in found ? found.addresses[0] : undefined;
}

const unrouted = (world: World, address: string, port: number): HttpAnswer =>
  isAlive(world, address) ? answer.refused(address, port) : answer.timedOut();

function toService(
  world: World,
  instance: Instance,
  connection: Connection,
  service: Service,
  { port, path }: { readonly port: number; readonly path: string },
  { random, connections }: Chance,
): HttpAnswer {
  const { cluster, settings } = connection;
  const found = service.spec.ports?.find((entry) => entry.port === port);
  if (found === undefined) return answer.upstreamTimeout();
  const inner = Number(found.targetPort ?? port);
  const own = cluster.store
    .list(ENTRIES)
    .some(
      (entry) =>
        entry.metadata.namespace === service.metadata.namespace &&
        entry.spec.address === instance.address &&
        matchesMap(service.spec.selector, entry.metadata.labels),
    );
  if (own && demoListens(instance, inner)) return demoAnswer(instance, inner, path) ?? answer.upstreamRefused();
  const network = clusterNetwork(cluster);
  const gateways = network === '' ? [] : networkGateways(cluster, network);
  const direct = network === '' || network === settings.network || gateways.length === 0;
  const endpoints = podObjects(cluster.store).filter(
    (pod) =>
      pod.metadata.namespace === service.metadata.namespace &&
      matchesMap(service.spec.selector, pod.metadata.labels) &&
      isReady(pod) &&
      (direct || isInjected(pod)),
  );
  if (endpoints.length === 0) return answer.noHealthyUpstream();
  // Pod addresses have no route from a machine outside the cluster.
  if (direct) return answer.upstreamTimeout();
  const through = pickOne(random, gateways);
  if (!isAlive(world, through.address)) return answer.upstreamTimeout();
  if (!passesThrough(cluster, through.service, service)) return answer.upstreamClosed();
  const pod = connections.request(
    {
      machine: instance.name,
      gateway: through.address,
      service: `${service.metadata.namespace ?? ''}/${service.metadata.name}:${port}`,
    },
    endpoints,
    podsBehind(cluster, through.service),
    !closesEachConnection(world, connection, service),
  );
  const caller = { namespace: settings.namespace, serviceAccount: accountOf(connection) };
  if (isDenied(cluster, rootNamespace(cluster), pod.metadata, caller, { port: inner, path }))
    return answer.rbacDenied();
  return podAnswer(pod, inner, path) ?? answer.upstreamRefused();
}

/** The service account in the machine's certificate. */
function accountOf({ group }: Connection): string {
  return group?.spec.template?.serviceAccount ?? 'default';
}

/** The cluster's network: the label on Istio's own namespace (docs/facts/istio-vm.md 3.6). */
function clusterNetwork(cluster: SimulatedCluster): string {
  return cluster.store.get('namespaces', undefined, rootNamespace(cluster))?.metadata.labels?.[NETWORK] ?? '';
}

/** Istio's own namespace. */
export function rootNamespace(cluster: SimulatedCluster): string {
  return (
    deploymentObjects(cluster.store).find(({ metadata }) => metadata.labels?.['app'] === 'istiod')?.metadata
      .namespace ?? 'istio-system'
  );
}

interface NetworkGateway {
  readonly service: Service;
  readonly address: string;
}

const CROSS = 15443;

function networkGateways(cluster: SimulatedCluster, network: string): NetworkGateway[] {
  return cluster.store
    .list('services')
    .filter(({ metadata }) => metadata.labels?.[NETWORK] === network)
    .flatMap((service) =>
      (service.status?.loadBalancer.ingress ?? []).flatMap(({ ip }) =>
        ip === undefined ? [] : [{ service, address: ip }],
      ),
    );
}

/**
 * Whether the gateway's Envoy accepts SNI-routed traffic to services of the cluster: checks its port, its pods, the
 * Gateway object.
 */
function passesThrough(cluster: SimulatedCluster, gateway: Service, service: Service): boolean {
  if (gateway.spec.ports?.some(({ port }) => port === CROSS) !== true || podsBehind(cluster, gateway).length === 0)
    return false;
  const name = `${service.metadata.name}.${service.metadata.namespace ?? ''}.svc.cluster.local`;
  return serversOn(cluster, gateway, CROSS).some(
    ({ server }) =>
      server.tls?.mode === 'AUTO_PASSTHROUGH' && (server.hosts ?? []).some((pattern) => hostMatches(pattern, name)),
  );
}
