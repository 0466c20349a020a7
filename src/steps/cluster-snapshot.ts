import type { Manifest } from '../kube/manifests/manifest.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Context } from '../tools/say.ts';
import type { Lab } from './lab.ts';

/** The cluster as one look saw it: core and Istio objects; empty when there is no cluster or it does not answer. */
export interface ClusterSnapshot {
  readonly objects: readonly KubeObject[];
  /** Why nothing could be seen. */
  readonly unreachable?: string;
}

/** One look at the whole cluster, shared by every step until something is written. */
export async function clusterSnapshot(lab: Lab, running?: Context): Promise<ClusterSnapshot> {
  if ((await lab.system.files.stat(lab.config.paths.kubeconfig)) === undefined) {
    return { objects: [], unreachable: 'there is no kubeconfig yet' };
  }
  const seen = await lab.kubectl.tryEverything(running);
  return 'unreachable' in seen ? { objects: [], unreachable: seen.unreachable } : { objects: seen.objects };
}

/**
 * The same for whoever is about to act upon it: an API that is away for a moment is waited for.
 * @throws CliError `api-unreachable`
 */
export async function requireClusterSnapshot(lab: Lab, running?: Context): Promise<ClusterSnapshot> {
  return lab.kubectl.everything(running);
}

export function findObject(
  view: ClusterSnapshot,
  kind: string,
  name: string,
  namespace?: string,
): KubeObject | undefined {
  return view.objects.find(
    (object) =>
      object.kind === kind &&
      object.metadata.name === name &&
      (namespace === undefined || object.metadata.namespace === namespace),
  );
}

interface Condition {
  readonly type?: string;
  readonly status?: string;
}

/** Whether a condition of `status.conditions` is `True`. */
export function hasCondition(object: KubeObject | undefined, type: string): boolean {
  const conditions = (object?.['status'] as { conditions?: Condition[] } | undefined)?.conditions ?? [];
  return conditions.some((condition) => condition.type === type && condition.status === 'True');
}

/** The node's InternalIP. */
export function nodeAddress(node: KubeObject | undefined): string | undefined {
  const addresses = (node?.['status'] as { addresses?: { type?: string; address?: string }[] } | undefined)?.addresses;
  return addresses?.find((address) => address.type === 'InternalIP')?.address;
}

/** Whether a namespace is on its way out: what stands in it goes along, and nothing new can be made in it. */
export function isTerminating(view: ClusterSnapshot, namespace: string): boolean {
  return findObject(view, 'Namespace', namespace)?.metadata['deletionTimestamp'] !== undefined;
}

/** Why pods do not come up, when the reason is a node; empty when no node is down. */
export function stoppedNodeNames(view: ClusterSnapshot): string {
  const down = view.objects.filter((object) => object.kind === 'Node' && !hasCondition(object, 'Ready'));
  return down.length === 0 ? '' : ` (not Ready: ${down.map(({ metadata }) => metadata.name).join(', ')})`;
}

/** How many pods a Deployment is to have. */
export function replicasOf(deployment: KubeObject): number {
  return (deployment['spec'] as { replicas?: number } | undefined)?.replicas ?? 1;
}

/** Running pods of a namespace; those that are on their way out do not count. */
export function runningPods(view: ClusterSnapshot, namespace: string): readonly KubeObject[] {
  return view.objects.filter(
    (object) =>
      object.kind === 'Pod' &&
      object.metadata.namespace === namespace &&
      object.metadata['deletionTimestamp'] === undefined &&
      (object['status'] as { phase?: string } | undefined)?.phase === 'Running',
  );
}

/** Pods that a Service selects and that stay, Ready or not. */
export function podsBehind(view: ClusterSnapshot, service: KubeObject | undefined): readonly KubeObject[] {
  const selector = (service?.['spec'] as { selector?: Readonly<Record<string, string>> } | undefined)?.selector ?? {};
  if (Object.keys(selector).length === 0) return [];
  return view.objects.filter(
    (object) =>
      object.kind === 'Pod' &&
      object.metadata.namespace === service?.metadata.namespace &&
      object.metadata['deletionTimestamp'] === undefined &&
      Object.entries(selector).every(([key, value]) => object.metadata.labels?.[key] === value),
  );
}

/** Pods behind a Service that are Ready and stay: what serves, whatever the objects in front of it say. */
export function readyPodsBehind(view: ClusterSnapshot, service: KubeObject | undefined): readonly KubeObject[] {
  return podsBehind(view, service).filter((pod) => hasCondition(pod, 'Ready'));
}

/** The revision whose sidecar is in the pod: a container, or from Istio 1.29 on possibly a restartable init container. */
export function sidecarRevision(pod: KubeObject): string | undefined {
  const spec = pod['spec'] as { containers?: { name?: string }[]; initContainers?: { name?: string }[] } | undefined;
  const injected = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].some(
    ({ name }) => name === 'istio-proxy',
  );
  return injected ? (pod.metadata.annotations?.['istio.io/rev'] ?? 'default') : undefined;
}

/** Load balancer addresses of a Service, in the order of its status. */
export function loadBalancerAddresses(service: KubeObject | undefined): readonly string[] {
  return balancedBy(service).flatMap((entry) => entry.ip ?? []);
}

/** Host names that some other load balancer gave instead of addresses. */
export function loadBalancerNames(service: KubeObject | undefined): readonly string[] {
  return balancedBy(service).flatMap((entry) => entry.hostname ?? []);
}

function balancedBy(service: KubeObject | undefined): readonly { ip?: string; hostname?: string }[] {
  const status = service?.['status'] as
    { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } } | undefined;
  return status?.loadBalancer?.ingress ?? [];
}

/** Whether the object out there has everything that the wanted one says (it may have more). */
export function contains(actual: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(actual) &&
      actual.length === wanted.length &&
      wanted.every((item, index) => contains((actual as unknown[])[index], item))
    );
  }
  if (typeof wanted === 'object' && wanted !== null) {
    return (
      typeof actual === 'object' &&
      actual !== null &&
      Object.entries(wanted).every(([key, value]) => contains((actual as Record<string, unknown>)[key], value))
    );
  }
  return actual === wanted;
}

/** The first wanted object that is missing or different in the view, as a finding. */
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
      ['spec', actual['spec'], object['spec']],
      ['data', actual['data'], object['data']],
    ];
    for (const [part, is, should] of parts) {
      if (should !== undefined && !contains(is, should)) return { drifted: `${label} has other ${part}` };
    }
  }
  return 'ready';
}
