import type { Command } from '../system/system.ts';
import type { KubeObject } from '../kube/kinds.ts';

/** The cluster to work on. */
export interface KubeTarget {
  readonly kubeconfig: string;
  readonly context: string;
}

export interface GetOptions {
  readonly name?: string;
  /** Absent: all namespaces (for namespaced kinds). */
  readonly namespace?: string;
  readonly selector?: string;
}

/** Each request is limited to 20 s; our own timeout covers the whole command. */
const REQUEST = '--request-timeout=20s';
const READ_MS = 60_000;
const WRITE_MS = 180_000;

export const clientVersionCommand = (): Command => ({
  file: 'kubectl',
  origin: 'kubectl',
  args: ['version', '--client', '--output=json'],
  effect: 'read',
  timeoutMs: 30_000,
});

/** A blocking command ends by itself; it is ended this much later (milliseconds) if it does not. */
const BLOCK_MARGIN_MS = 10_000;

const kubectl = (
  target: KubeTarget,
  effect: Command['effect'],
  args: readonly string[],
  more: Partial<Command> = {},
): Command => ({
  file: 'kubectl',
  origin: 'kubectl',
  args: ['--kubeconfig', target.kubeconfig, '--context', target.context, REQUEST, ...args],
  effect,
  timeoutMs: effect === 'read' ? READ_MS : WRITE_MS,
  ...more,
});

/** A blocking command has no `--request-timeout`, which would cut off its watch (kubectl's default is none). */
function blocking({ kubeconfig, context }: KubeTarget, seconds: number, args: readonly string[]): Command {
  return {
    file: 'kubectl',
    origin: 'kubectl',
    args: ['--kubeconfig', kubeconfig, '--context', context, ...args],
    effect: 'read',
    timeoutMs: seconds * 1_000 + BLOCK_MARGIN_MS,
  };
}

/**
 * `kinds` are fully qualified plurals, e.g. `gateways.networking.istio.io`: short names may mean other kinds in other
 * clusters.
 */
export function getCommand(target: KubeTarget, kinds: readonly string[], options: GetOptions = {}): Command {
  const { name, namespace, selector } = options;
  const where = namespace !== undefined ? ['--namespace', namespace] : name === undefined ? ['--all-namespaces'] : [];
  return kubectl(target, 'read', [
    'get',
    kinds.join(','),
    ...(name === undefined ? [] : [name]),
    ...where,
    ...(selector === undefined ? [] : ['--selector', selector]),
    '--ignore-not-found',
    '--output=json',
  ]);
}

/** Fully qualified plurals of all kinds that can be listed, one per line. */
export const kindsCommand = (target: KubeTarget): Command =>
  kubectl(target, 'read', ['api-resources', '--verbs=list', '--output=name']);

/** Server-side apply with our own field manager: fields that others own in the same objects are kept. */
export function applyCommand(target: KubeTarget, objects: readonly KubeObject[]): Command {
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  return kubectl(
    target,
    'write',
    ['apply', '--server-side', '--force-conflicts', '--field-manager=istio-vms', '--filename=-'],
    { stdin: JSON.stringify(list) },
  );
}

export function deleteCommand(target: KubeTarget, kind: string, name: string, namespace?: string): Command {
  const where = namespace === undefined ? [] : ['--namespace', namespace];
  return kubectl(target, 'write', [
    'delete',
    kind,
    name,
    ...where,
    '--ignore-not-found',
    '--wait=true',
    '--timeout=120s',
  ]);
}

/** How long pods are given to leave a node (seconds). */
const DRAIN_S = 60;

/**
 * Cordons a node and deletes its pods, which their controllers recreate elsewhere. The pods are deleted, not evicted:
 * the disruption budget of a single istiod would block its eviction indefinitely.
 */
export const drainCommand = (target: KubeTarget, node: string): Command =>
  kubectl(target, 'write', [
    'drain',
    node,
    '--ignore-daemonsets',
    '--delete-emptydir-data',
    '--force',
    '--disable-eviction',
    `--timeout=${DRAIN_S}s`,
  ]);

/** Deletes the pods of a node whose machine is gone, without waiting for confirmation from its kubelet. */
export const deletePodsCommand = (target: KubeTarget, node: string): Command =>
  kubectl(target, 'write', [
    'delete',
    'pods',
    '--all-namespaces',
    '--field-selector',
    `spec.nodeName=${node}`,
    '--force',
    '--grace-period=0',
    '--wait=false',
  ]);

export interface PodPlace {
  readonly namespace: string;
  readonly deployment: string;
  readonly container: string;
}

export function execCommand(
  target: KubeTarget,
  place: PodPlace,
  argv: readonly string[],
  effect: Command['effect'],
): Command {
  const where = ['--namespace', place.namespace, `deployment/${place.deployment}`, '--container', place.container];
  return kubectl(target, effect, ['exec', ...where, '--', ...argv]);
}

/** Blocks until a node is Ready, or until the timeout in seconds (exit 1). A node that does not exist fails at once. */
export const waitNodeCommand = (target: KubeTarget, name: string, seconds: number): Command =>
  blocking(target, seconds, ['wait', `node/${name}`, '--for=condition=Ready', `--timeout=${seconds}s`]);

/**
 * Blocks until a WorkloadEntry is healthy (`True`) or unhealthy (`False`), or until the timeout in seconds (exit 1). An
 * entry that does not exist fails at once.
 */
export const waitHealthCommand = (
  target: KubeTarget,
  entry: string,
  namespace: string,
  status: 'True' | 'False',
  seconds: number,
): Command =>
  blocking(target, seconds, [
    'wait',
    `workloadentries.networking.istio.io/${entry}`,
    '--namespace',
    namespace,
    `--for=condition=Healthy=${status}`,
    `--timeout=${seconds}s`,
  ]);

/** Blocks until a Deployment is rolled out, or until the timeout in seconds (exit 1). */
export const waitRolloutCommand = (
  target: KubeTarget,
  deployment: string,
  namespace: string,
  seconds: number,
): Command =>
  blocking(target, seconds, [
    'rollout',
    'status',
    `deployment/${deployment}`,
    '--namespace',
    namespace,
    `--timeout=${seconds}s`,
  ]);

/** Blocks until all Deployments of a namespace are available, or until the timeout in seconds (exit 1). */
export const waitAvailableCommand = (target: KubeTarget, namespace: string, seconds: number): Command =>
  blocking(target, seconds, [
    'wait',
    'deployments.apps',
    '--all',
    '--namespace',
    namespace,
    '--for=condition=Available',
    `--timeout=${seconds}s`,
  ]);

export const restartCommand = (target: KubeTarget, deployment: string, namespace: string): Command =>
  kubectl(target, 'write', ['rollout', 'restart', `deployment/${deployment}`, '--namespace', namespace]);

/** Sets the number of pods of a Deployment. */
export const scaleCommand = (target: KubeTarget, deployment: string, namespace: string, replicas: number): Command =>
  kubectl(target, 'write', ['scale', `deployment/${deployment}`, '--namespace', namespace, `--replicas=${replicas}`]);

export const logsCommand = (target: KubeTarget, place: PodPlace): Command =>
  kubectl(target, 'read', [
    'logs',
    '--namespace',
    place.namespace,
    `deployment/${place.deployment}`,
    '--container',
    place.container,
    '--tail=50',
  ]);
