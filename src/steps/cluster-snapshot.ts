import type { Manifest } from '../kube/manifests/manifest.ts';
import type { Conditions, Deployment, KubeObject, Node, ObjectOf, Pod, Service } from '../kube/kinds.ts';
import { ofKind } from '../kube/object.ts';
import type { Context } from '../system/system.ts';
import type { Lab } from './lab.ts';

/** Core and Istio objects of the cluster, read together; empty when there is no cluster or it does not answer. */
export interface ClusterSnapshot {
  readonly objects: readonly KubeObject[];
  /** Why the cluster could not be read. */
  readonly unreachable?: string;
}

/** A snapshot of the whole cluster, shared by every step until something is written. */
export async function clusterSnapshot(lab: Lab, context: Context): Promise<ClusterSnapshot> {
  if ((await lab.system.files.stat(lab.config.paths.kubeconfig)) === undefined) {
    return { objects: [], unreachable: 'there is no kubeconfig yet' };
  }
  const seen = await lab.kubectl.tryEverything(context);
  return 'unreachable' in seen ? { objects: [], unreachable: seen.unreachable } : { objects: seen.objects };
}

/**
 * The same for steps that are about to change something: waits while the API is temporarily unavailable.
 * @throws CliError `api-unreachable`
 */
export async function requireClusterSnapshot(lab: Lab, context: Context): Promise<ClusterSnapshot> {
  return lab.kubectl.everything(context);
}

/** The object of a kind with this name; without a namespace, the first one in any namespace. */
export function findObject<K extends string>(
  { objects }: ClusterSnapshot,
  kind: K,
  name: string,
  namespace?: string,
): ObjectOf<K> | undefined {
  return ofKind(objects, kind, namespace).find(({ metadata }) => metadata.name === name);
}

interface WithConditions {
  readonly status?: { readonly conditions?: Conditions } | undefined;
}

/** Whether a condition of `status.conditions` is `True`. */
export function hasCondition(object: WithConditions | undefined, type: string): boolean {
  return (object?.status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
}

/** The node's InternalIP. */
export function nodeAddress(node: Node | undefined): string | undefined {
  return node?.status?.addresses?.find((address) => address.type === 'InternalIP')?.address;
}

/** Whether a namespace is being deleted: its objects are deleted with it, and no new ones can be created in it. */
export function isTerminating(view: ClusterSnapshot, namespace: string): boolean {
  return findObject(view, 'Namespace', namespace)?.metadata.deletionTimestamp !== undefined;
}

/** Text that names the stopped nodes as the reason why pods do not start; empty when no node is down. */
export function stoppedNodeNames(view: ClusterSnapshot): string {
  const down = ofKind(view.objects, 'Node').filter((node) => !hasCondition(node, 'Ready'));
  return down.length === 0 ? '' : ` (not Ready: ${down.map(({ metadata }) => metadata.name).join(', ')})`;
}

/** The desired number of pods of a Deployment. */
export function replicasOf(deployment: Deployment): number {
  return deployment.spec?.replicas ?? 1;
}

/** Running pods of a namespace, without those that are being deleted. */
export function runningPods(view: ClusterSnapshot, namespace: string): readonly Pod[] {
  return ofKind(view.objects, 'Pod', namespace).filter(
    ({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase === 'Running',
  );
}

/** Pods that a Service selects, Ready or not, without those that are being deleted. */
export function podsBehind(view: ClusterSnapshot, service: Service | undefined): readonly Pod[] {
  const selector = Object.entries(service?.spec?.selector ?? {});
  if (selector.length === 0) return [];
  return ofKind(view.objects, 'Pod').filter(
    ({ metadata }) =>
      metadata.namespace === service?.metadata.namespace &&
      metadata.deletionTimestamp === undefined &&
      selector.every(([key, value]) => metadata.labels?.[key] === value),
  );
}

/**
 * Ready pods behind a Service, without those that are being deleted: what really serves, independent of the status of
 * other objects.
 */
export function readyPodsBehind(view: ClusterSnapshot, service: Service | undefined): readonly Pod[] {
  return podsBehind(view, service).filter((pod) => hasCondition(pod, 'Ready'));
}

/**
 * The revision of the sidecar in the pod: a container or, from Istio 1.29 on, possibly a restartable init container.
 */
export function sidecarRevision({ metadata, spec }: Pod): string | undefined {
  const injected = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].some(
    ({ name }) => name === 'istio-proxy',
  );
  return injected ? (metadata.annotations?.['istio.io/rev'] ?? 'default') : undefined;
}

/** Load balancer addresses of a Service, in the order of its status. */
export function loadBalancerAddresses(service: Service | undefined): readonly string[] {
  return (service?.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
}

/** Host names that another load balancer assigned instead of addresses. */
export function loadBalancerNames(service: Service | undefined): readonly string[] {
  return (service?.status?.loadBalancer?.ingress ?? []).flatMap(({ hostname }) => hostname ?? []);
}

/** Whether the existing object has everything that the wanted one specifies (it may have more). */
export function contains(actual: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(actual) &&
      actual.length === wanted.length &&
      wanted.every((item, index) => contains((actual as unknown[])[index], item))
    );
  }
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof actual !== 'object' || actual === null) return false;
    const fields = new Map<string, unknown>(Object.entries(actual));
    return Object.entries(wanted).every(([key, value]) => contains(fields.get(key), value));
  }
  return actual === wanted;
}

/** The first wanted object that is missing or different in the snapshot, as a finding. */
export function compareObjects(
  view: ClusterSnapshot,
  wanted: readonly Manifest[],
): 'ready' | { missing: string } | { drifted: string } {
  if (view.unreachable !== undefined) return { missing: view.unreachable };
  for (const object of wanted) {
    const { name, namespace } = object.metadata;
    const actual = findObject(view, object.kind, name, namespace);
    const label = `${object.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
    if (actual === undefined) return { missing: `no ${label}` };
    const home = object.kind === 'Namespace' ? name : namespace;
    if (home !== undefined && isTerminating(view, home)) return { missing: `namespace ${home} is being deleted` };
    const parts: [string, unknown, unknown][] = [
      ['labels', actual.metadata.labels ?? {}, object.metadata.labels ?? {}],
      ['annotations', actual.metadata.annotations ?? {}, object.metadata.annotations ?? {}],
      ['spec', actual.spec, object.spec],
      ['data', actual.data, object.data],
    ];
    for (const [part, is, should] of parts) {
      if (should !== undefined && !contains(is, should)) return { drifted: `${label} has other ${part}` };
    }
  }
  return 'ready';
}
