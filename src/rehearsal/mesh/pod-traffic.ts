import { podObjects, type SimulatedCluster } from '../cluster/kube.ts';
import { matchesMap } from '../cluster/selectors.ts';
import { isReady, ownerOf, type Pod, type Service, type WorkloadEntry } from '../cluster/shapes.ts';
import type { HttpAnswer, Instance, KubeObject, World } from '../world.ts';
import * as answer from './answers.ts';
import { isDenied, type Caller } from './authorization.ts';
import { serviceNamed } from './gateways.ts';
import { egressAllowed, isStrict } from './policies.ts';
import { ENTRIES, entryHealth, type Connection } from './registration.ts';
import { demoAnswer, isInjected, podAnswer } from './servers.ts';
import { rootNamespace } from './vm-traffic.ts';

/** Round robin over endpoints: the n-th call for a key returns the n-th index. */
type RoundRobin = (key: string, count: number) => number;

/** What the request needs to know of workload VMs. */
export interface VmView {
  readonly world: World;
  readonly cluster: SimulatedCluster;
  readonly configured: (instance: Instance) => Connection | undefined;
  readonly turn: RoundRobin;
}

type Endpoint = { readonly pod: Pod } | { readonly entry: WorkloadEntry };

/** An HTTP request with curl in a pod of a Deployment. */
export function requestFromPod(view: VmView, namespace: string, deployment: string, url: string): HttpAnswer {
  const { cluster } = view;
  const target = answer.targetOf(url);
  if (target === undefined) return answer.badUrl();
  const { host, port, path } = target;
  const client = clientPod(cluster, namespace, deployment);
  if (client === undefined) return answer.refused(host, port);
  if (answer.isAddress(host)) return toAddress(view, client, host, port, path);
  if (!dnsWorks(cluster, client)) return answer.noSuchHost(host);
  const service = serviceNamed(cluster, host, namespace);
  if (service === undefined) return answer.noSuchHost(host);
  return toService(view, client, service, port, path);
}

/** A ready pod of a Deployment. */
function clientPod(cluster: SimulatedCluster, namespace: string, deployment: string): Pod | undefined {
  const uid = cluster.store.get('deployments.apps', namespace, deployment)?.metadata.uid;
  return podObjects(cluster.store).find((pod) => isReady(pod) && uid !== undefined && ownerOf(pod) === uid);
}

function dnsWorks(cluster: SimulatedCluster, client: Pod): boolean {
  const servers = podObjects(cluster.store).filter(
    (pod) => pod.metadata.labels?.['k8s-app'] === 'kube-dns' && isReady(pod),
  );
  return servers.some((pod) => egressAllowed(cluster, client, { address: pod.status.podIP ?? '', port: 53, pod }));
}

function toService(view: VmView, client: Pod, service: Service, port: number, path: string): HttpAnswer {
  const { cluster, turn } = view;
  const found = service.spec.ports?.find((entry) => entry.port === port);
  const injected = isInjected(client);
  if (found === undefined) return injected ? answer.upstreamTimeout() : answer.timedOut();
  const inner = Number(found.targetPort ?? port);
  // Clients without a sidecar use kube-proxy, which knows only pods (docs/facts/istio-vm.md 8.4).
  const endpoints = endpointsOf(cluster, service).filter((endpoint) => injected || 'pod' in endpoint);
  if (endpoints.length === 0)
    return injected ? answer.noHealthyUpstream() : answer.refused(service.metadata.name, port);
  const chosen = endpoints[
    turn(`${service.metadata.namespace ?? ''}/${service.metadata.name}`, endpoints.length)
  ] as Endpoint;
  if ('entry' in chosen) {
    const { address = '' } = chosen.entry.spec;
    return toVm(view, client, address, inner, path, { mutualTls: true });
  }
  const { pod } = chosen;
  const allowed = egressAllowed(cluster, client, { address: pod.status.podIP ?? '', port: inner, pod });
  if (!allowed) return injected ? answer.upstreamRefused() : answer.refused(service.metadata.name, port);
  const strict =
    isInjected(pod) && isStrict(cluster, pod.metadata.namespace ?? '', pod.metadata.labels, rootNamespace(cluster));
  if (!injected && strict) return answer.reset();
  const caller = callerOf(client);
  const refused =
    isInjected(pod) && isDenied(cluster, rootNamespace(cluster), pod.metadata, caller, { port: inner, path });
  if (refused) return answer.rbacDenied();
  return (
    podAnswer(pod, inner, path) ?? (injected ? answer.upstreamRefused() : answer.refused(service.metadata.name, port))
  );
}

/** Ready pods, and workload entries that are healthy or have no probe (docs/facts/istio-vm.md 6.2). */
function endpointsOf(cluster: SimulatedCluster, service: Service): Endpoint[] {
  const here = (object: KubeObject): boolean =>
    object.metadata.namespace === service.metadata.namespace &&
    matchesMap(service.spec.selector, object.metadata.labels);
  const pods = podObjects(cluster.store).filter((pod) => here(pod) && isReady(pod));
  const entries = cluster.store.list(ENTRIES).filter((entry) => {
    const probed = entry.metadata.annotations?.['proxy.istio.io/health-checks-enabled'] === 'true';
    const gone = entry.metadata.annotations?.['istio.io/disconnectedAt'] !== undefined;
    return here(entry) && !gone && (!probed || entryHealth(entry)?.status === 'True');
  });
  return [...pods.map((pod) => ({ pod })), ...entries.map((entry) => ({ entry }))];
}

function toAddress(view: VmView, client: Pod, address: string, port: number, path: string): HttpAnswer {
  return toVm(view, client, address, port, path, { mutualTls: false });
}

/**
 * A connection to a machine's own address: policies check exactly that address, then the machine's sidecar, then the
 * app.
 */
function toVm(
  view: VmView,
  client: Pod,
  address: string,
  port: number,
  path: string,
  { mutualTls }: { mutualTls: boolean },
): HttpAnswer {
  const { cluster, world } = view;
  const envoy = isInjected(client);
  const closed = (): HttpAnswer => (envoy ? answer.upstreamRefused() : answer.refused(address, port));
  if (!egressAllowed(cluster, client, { address, port })) return closed();
  const instance = [...world.engine.instances.values()].find(
    (candidate) => candidate.address === address && candidate.state === 'Running',
  );
  if (instance === undefined) return envoy ? answer.upstreamTimeout() : answer.timedOut();
  const connection = view.configured(instance);
  const captured = instance.rules && (connection === undefined || connection.settings.captures(port));
  if (!captured) return mutualTls ? answer.upstreamClosed() : (demoAnswer(instance, port, path) ?? closed());
  if (connection === undefined) return closed();
  const { namespace } = connection.settings;
  const labels = connection.group === undefined ? connection.settings.labels : groupLabels(connection);
  if (!mutualTls && isStrict(cluster, namespace, labels, rootNamespace(cluster)))
    return envoy ? answer.upstreamClosed() : answer.reset();
  const caller = mutualTls ? callerOf(client) : undefined;
  if (isDenied(cluster, rootNamespace(cluster), { namespace, labels }, caller, { port, path }))
    return answer.rbacDenied();
  return demoAnswer(instance, port, path) ?? answer.upstreamRefused();
}

/** A pod's identity for those it calls; without a sidecar it has none. */
function callerOf(client: Pod): Caller {
  if (!isInjected(client)) return undefined;
  const { serviceAccountName = 'default' } = client.spec;
  return { namespace: client.metadata.namespace ?? '', serviceAccount: serviceAccountName };
}

function groupLabels({ group, settings }: Connection): Record<string, string> {
  return { ...group?.spec.metadata?.labels, ...settings.labels };
}
