import { condition, isReady, type NodeObject, type Pod, type PodSpec, type Taint } from './shapes.ts';
import { nodeObjects, podObjects, stamp, type Controller } from './kube.ts';
import { quantity } from './quantities.ts';

/** Binds pending pods to nodes that have room, or reports why none has, in the scheduler's words. */
export const scheduling: Controller = (kube) => {
  const nodes = nodeObjects(kube.store);
  const bound = podObjects(kube.store).filter((pod) => pod.spec.nodeName !== undefined);
  for (const pod of podObjects(kube.store)) {
    if (pod.spec.nodeName !== undefined || 'deletionTimestamp' in pod.metadata) continue;
    const verdicts = nodes.map((node) => ({ node, why: objection(node, pod, bound) }));
    const free = verdicts.filter(({ why }) => why === undefined).map(({ node }) => node);
    const chosen = free.sort(
      (a, b) => used(a, bound) - used(b, bound) || (a.metadata.name < b.metadata.name ? -1 : 1),
    )[0];
    const name = pod.metadata.name;
    if (chosen !== undefined) {
      bound.push({ ...pod, spec: { ...pod.spec, nodeName: chosen.metadata.name } });
      kube.store.edit('pods', pod.metadata.namespace, name, (copy) => {
        const { spec, status } = copy;
        spec.nodeName = chosen.metadata.name;
        status.conditions = [
          { type: 'PodScheduled', status: 'True', lastTransitionTime: stamp(kube.world.clock.now()) },
        ];
      });
      continue;
    }
    const message = unschedulable(
      verdicts.map(({ why }) => why ?? ''),
      nodes.length,
    );
    if (condition(pod, 'PodScheduled')?.message === message) continue;
    kube.store.edit('pods', pod.metadata.namespace, name, (copy) => {
      copy.status.conditions = [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message,
          lastTransitionTime: stamp(kube.world.clock.now()),
        },
      ];
    });
  }
};

/** Why a pod cannot go to a node, or undefined. */
function objection(node: NodeObject, pod: Pod, bound: readonly Pod[]): string | undefined {
  const pinned = pod.metadata.annotations?.[PINNED];
  if (pinned !== undefined && pinned !== node.metadata.name) return "node(s) didn't satisfy plugin(s) [NodeAffinity]";
  // A DaemonSet's pod is scheduled there nevertheless.
  if (node.spec.unschedulable === true && pinned === undefined) return 'node(s) were unschedulable';
  const taint = (node.spec.taints ?? []).find((entry) => !tolerates(pod.spec, entry));
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  if (!isReady(node)) return 'node(s) were not ready';
  const here = bound.filter((other) => other.spec.nodeName === node.metadata.name);
  const taken = new Set(here.flatMap((other) => hostPorts(other.spec)));
  if (hostPorts(pod.spec).some((port) => taken.has(port)))
    return "node(s) didn't have free ports for the requested pod ports";
  if (sum(here, 'cpu') + requests(pod.spec, 'cpu') > quantity(node.status.allocatable['cpu'] ?? '0'))
    return 'Insufficient cpu';
  if (sum(here, 'memory') + requests(pod.spec, 'memory') > quantity(node.status.allocatable['memory'] ?? '0')) {
    return 'Insufficient memory';
  }
  return undefined;
}

/** Annotation used instead of the node affinity of a DaemonSet's pod. */
export const PINNED = 'rehearsal/node';

/** `0/3 nodes are available: 1 node(s) had …, 2 Insufficient memory.` */
function unschedulable(reasons: readonly string[], nodes: number): string {
  if (nodes === 0) return 'no nodes available to schedule pods';
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const parts = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([reason, count]) => `${count} ${reason}`);
  return `0/${nodes} nodes are available: ${parts.join(', ')}. preemption: 0/${nodes} nodes are available: ${nodes} No preemption victims found for incoming pod..`;
}

function tolerates(spec: PodSpec, taint: Taint): boolean {
  return (spec.tolerations ?? []).some(
    ({ key, operator, value, effect }) =>
      (key === undefined ? operator === 'Exists' : key === taint.key) &&
      (operator === 'Exists' || (value ?? '') === (taint.value ?? '')) &&
      (effect === undefined || effect === taint.effect),
  );
}

const hostPorts = (spec: PodSpec): number[] =>
  spec.containers.flatMap(({ ports }) =>
    (ports ?? []).flatMap(({ hostPort }) => (hostPort === undefined ? [] : [hostPort])),
  );

const requests = (spec: PodSpec, resource: 'cpu' | 'memory'): number =>
  spec.containers.reduce((total, { resources }) => total + quantity(resources?.requests?.[resource] ?? '0'), 0);

const sum = (pods: readonly Pod[], resource: 'cpu' | 'memory'): number =>
  pods.reduce((total, { spec }) => total + requests(spec, resource), 0);

const used = (node: NodeObject, bound: readonly Pod[]): number =>
  sum(
    bound.filter((pod) => pod.spec.nodeName === node.metadata.name),
    'memory',
  ) / quantity(node.status.allocatable['memory'] ?? '1');
