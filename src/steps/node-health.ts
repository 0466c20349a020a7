import type { Lease, Node, Pod } from '../kube/kinds.ts';
import { ofKind } from '../kube/object.ts';
import type { Context } from '../system/system.ts';
import type { Lab } from './lab.ts';
import { findObject, hasCondition, nodeAddress, type ClusterSnapshot } from './cluster-snapshot.ts';

/**
 * A kubelet renews its Lease every 10 s. If a Lease is older than the newest Lease of the cluster by this much
 * (milliseconds), its kubelet no longer reports. Its node may still be Ready for 40 s more, plus the time that the
 * control plane itself was unavailable.
 */
const HEARTBEAT_MS = 25_000;

/** The Deployment for cluster DNS, as k3s creates it. */
export const CLUSTER_DNS = { name: 'coredns', namespace: 'kube-system' } as const;

export interface WantedNode {
  /** k3s version, e.g. `v1.28.15+k3s1`. */
  readonly version?: string;
  readonly address?: string | undefined;
  /** The heartbeat from before the kubelet was restarted: a Ready with this heartbeat is outdated. */
  readonly notHeartbeat?: string | undefined;
}

/** `ready` when a node is Ready as wanted and its kubelet reports; otherwise the reason. */
export function nodeState(view: ClusterSnapshot, name: string, wanted: WantedNode = {}): string {
  const registered = registration(view, name, wanted);
  if (registered !== 'registered') return registered;
  const node = findObject(view, 'Node', name);
  if (!hasCondition(node, 'Ready')) return 'NotReady';
  if (wanted.notHeartbeat !== undefined && heartbeatOf(node) === wanted.notHeartbeat)
    return 'its kubelet is restarting';
  const silence = silenceOf(view, name);
  return silence < HEARTBEAT_MS ? 'ready' : `no heartbeat for ${Math.round(silence / 1000)}s`;
}

/**
 * `registered` when the kubelet has registered the node with this address and version, Ready or not; otherwise the
 * reason.
 */
export function registration(view: ClusterSnapshot, name: string, { version, address }: WantedNode): string {
  const node = findObject(view, 'Node', name);
  if (node === undefined) return 'not registered yet';
  const at = nodeAddress(node);
  if (address !== undefined && at !== address) return `registered at ${at ?? 'no address'}, not yet at ${address}`;
  const runs = node.status?.nodeInfo?.kubeletVersion;
  if (version !== undefined && runs !== version) return `runs ${runs ?? 'an unknown version'}, not yet ${version}`;
  return 'registered';
}

/** Whether a node is Ready with this k3s version and its kubelet reports. */
export function nodeIsReady(view: ClusterSnapshot, name: string, version?: string): boolean {
  return nodeState(view, name, version === undefined ? {} : { version }) === 'ready';
}

/** When the kubelet last reported its conditions; it also does so when it starts. */
export function heartbeatOf(node: Node | undefined): string | undefined {
  return node?.status?.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime;
}

/** Nodes of this lab whose machine does not run: the status of their pods in the cluster is outdated. */
export async function stoppedNodes({ config, machines }: Lab, context: Context): Promise<readonly string[]> {
  const running = (await machines.all(context)).filter(({ state }) => state === 'running').map(({ name }) => name);
  return [config.k3s.master, ...config.k3s.workerNames].filter((name) => !running.includes(name));
}

/** The node to which a pod is bound. */
export function nodeOf(pod: Pod): string | undefined {
  return pod.spec?.nodeName;
}

/** Whether a node's kubelet still reports. */
export const reports = (view: ClusterSnapshot, name: string): boolean => silenceOf(view, name) < HEARTBEAT_MS;

/** Milliseconds by which a node's Lease is older than the newest one; 0 when there is none to compare. */
function silenceOf(view: ClusterSnapshot, name: string): number {
  const renewals = ofKind(view.objects, 'Lease').map(renewedAt);
  const own = findObject(view, 'Lease', name, 'kube-node-lease');
  return own === undefined ? 0 : Math.max(...renewals) - renewedAt(own);
}

function renewedAt(lease: Lease): number {
  return Date.parse(lease.spec?.renewTime ?? '') || 0;
}
