import type { Lease, Node, Pod } from '../kube/kinds.ts';
import { ofKind } from '../kube/object.ts';
import type { Context } from '../system/system.ts';
import type { Lab } from './lab.ts';
import { findObject, hasCondition, nodeAddress, type ClusterSnapshot } from './cluster-snapshot.ts';

/**
 * A kubelet renews its Lease every 10 s. What is older by this much (milliseconds) than the newest Lease of the cluster
 * comes from a kubelet that no longer reports, although its node may be called Ready for 40 s more, and for as long as
 * the control plane itself was away.
 */
const HEARTBEAT_MS = 25_000;

/** The Deployment that answers DNS in the cluster, as k3s makes it. */
export const CLUSTER_DNS = { name: 'coredns', namespace: 'kube-system' } as const;

export interface WantedNode {
  /** k3s version, e.g. `v1.28.15+k3s1`. */
  readonly version?: string;
  readonly address?: string | undefined;
  /** What the kubelet had reported before it was restarted: a Ready with this heartbeat is the old one's. */
  readonly notHeartbeat?: string | undefined;
}

/** `ready` when a node is Ready as is wanted, by a kubelet that reports; else why not. */
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

/** `registered` when the kubelet has announced the node with this address and version, Ready or not; else why not. */
export function registration(view: ClusterSnapshot, name: string, { version, address }: WantedNode): string {
  const node = findObject(view, 'Node', name);
  if (node === undefined) return 'not registered yet';
  const at = nodeAddress(node);
  if (address !== undefined && at !== address) return `registered at ${at ?? 'no address'}, not yet at ${address}`;
  const runs = node.status?.nodeInfo?.kubeletVersion;
  if (version !== undefined && runs !== version) return `runs ${runs ?? 'an unknown version'}, not yet ${version}`;
  return 'registered';
}

/** Whether a node is Ready with this k3s version, by a kubelet that reports. */
export function nodeIsReady(view: ClusterSnapshot, name: string, version?: string): boolean {
  return nodeState(view, name, version === undefined ? {} : { version }) === 'ready';
}

/** When the kubelet last reported its conditions; it does so when it starts. */
export function heartbeatOf(node: Node | undefined): string | undefined {
  return node?.status?.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime;
}

/** Nodes of this lab whose machine does not run: what the cluster says of their pods is over, whether it knows or not. */
export async function stoppedNodes({ config, machines }: Lab, context: Context): Promise<readonly string[]> {
  const running = (await machines.all(context)).filter(({ state }) => state === 'running').map(({ name }) => name);
  return [config.k3s.master, ...config.k3s.workerNames].filter((name) => !running.includes(name));
}

/** The node that a pod is bound to. */
export function nodeOf(pod: Pod): string | undefined {
  return pod.spec?.nodeName;
}

/** Whether a node's kubelet still reports. */
export const reports = (view: ClusterSnapshot, name: string): boolean => silenceOf(view, name) < HEARTBEAT_MS;

/** Milliseconds by which a node's Lease is older than the newest one; 0 where there is none to compare. */
function silenceOf(view: ClusterSnapshot, name: string): number {
  const renewals = ofKind(view.objects, 'Lease').map(renewedAt);
  const own = findObject(view, 'Lease', name, 'kube-node-lease');
  return own === undefined ? 0 : Math.max(...renewals) - renewedAt(own);
}

function renewedAt(lease: Lease): number {
  return Date.parse(lease.spec?.renewTime ?? '') || 0;
}
