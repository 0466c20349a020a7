import { NODE_READY, NODE_SILENT, STATUS_REPORT } from '../durations.ts';
import { k3sConfig, k3sList, stamp, type Controller, type Kube, type NodeFacts } from './kube.ts';
import { heartbeat } from './leases.ts';
import { machineBytes } from './quantities.ts';
import type { NodeObject, Taint } from './shapes.ts';

/** Share of a machine's memory that the kernel leaves usable. */
const USABLE_MEMORY = 0.96;

export interface JoiningNode {
  readonly name: string;
  readonly address: string;
  readonly role: 'server' | 'agent';
  readonly version: string;
  readonly password: string;
  /** The server address in the agent's configuration. */
  readonly server?: string | undefined;
}

/** A kubelet registers, or returns after a restart (docs/facts/k3s.md 2.6 for the password). */
export function joinNode(kube: Kube, node: JoiningNode): { rejected?: string } {
  const stored = kube.passwords.get(node.name);
  if (stored !== undefined && stored !== node.password) {
    return {
      rejected:
        "Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match server " +
        'node-passwd entry, try enabling a unique node name with the --with-node-id flag',
    };
  }
  kube.passwords.set(node.name, node.password);
  const known = kube.nodes.get(node.name);
  const now = kube.world.clock.now();
  const bootId = kube.world.engine.instances.get(node.name)?.bootId;
  const kubelet = { startedAt: now, renewedAt: now, server: node.server, bootId, readyAt: now + NODE_READY };
  if (known === undefined) {
    const { name, address, role, version } = node;
    kube.nodes.set(name, { name, address, role, version, index: kube.nodes.size, ...kubelet });
    // The Node object exists from the join on; only its Ready condition comes later.
    kube.store.put(nodeObject(kube, kube.nodes.get(name) as NodeFacts));
  } else {
    const back: NodeFacts = { ...known, address: node.address, version: node.version, ...kubelet };
    delete back.silentFrom;
    kube.nodes.set(node.name, back);
    // After a short absence a kubelet finds its pods running; after a power-off there are none.
    const calledUnknown = now >= silentAt(kube, known);
    if (!calledUnknown && known.bootId === bootId) back.readyAt = Math.min(known.readyAt, back.readyAt);
  }
  kube.wakeAt(now + NODE_READY);
  kube.touch();
  return {};
}

/** The kubelet is silent from now on; the control plane notices after its grace period. */
export function nodeDown(kube: Kube, name: string): void {
  const node = kube.nodes.get(name);
  // Stopping k3s on the server stops the API as well, so the Leases renewed so far are the last ones.
  if (name === kube.server) for (const each of kube.nodes.values()) heartbeat(kube, each);
  if (node === undefined || node.silentFrom !== undefined) return;
  heartbeat(kube, node);
  node.silentFrom = kube.world.clock.now();
  kube.wakeAt(silentAt(kube, node));
}

/**
 * When the control plane marks a node Unknown. It counts from its own start, and trusts the stored status until then.
 */
function silentAt(kube: Kube, { silentFrom }: NodeFacts): number {
  return silentFrom === undefined ? Infinity : Math.max(silentFrom, kube.answersSince()) + NODE_SILENT;
}

/** Sets Node objects to what their kubelets report, or fail to report; forgets nodes whose object was deleted. */
export const nodes: Controller = (kube) => {
  for (const facts of [...kube.nodes.values()]) {
    if (kube.store.get('nodes', undefined, facts.name) === undefined) {
      // `kubectl delete node` also deletes the password Secret; the kubelet registers again only after a restart.
      kube.nodes.delete(facts.name);
      kube.passwords.delete(facts.name);
      continue;
    }
    // An agent knows its server only by the address in its configuration.
    const server = kube.world.engine.instances.get(kube.server);
    if (facts.server !== undefined && facts.server !== server?.address) nodeDown(kube, facts.name);
    if (facts.silentFrom !== undefined) kube.wakeAt(silentAt(kube, facts));
    kube.store.put(nodeObject(kube, facts));
  }
};

function nodeObject(kube: Kube, facts: NodeFacts): NodeObject {
  const instance = kube.world.engine.instances.get(facts.name);
  const config = k3sConfig(kube.world, facts.name);
  const now = kube.world.clock.now();
  const silent = now >= silentAt(kube, facts);
  const ready = !silent && now >= facts.readyAt;
  const memory = `${Math.floor((machineBytes(instance?.memory ?? '4G') * USABLE_MEMORY) / 1024)}Ki`;
  const resources = { cpu: String(instance?.cpus ?? 2), memory, pods: '110' };
  const arch = instance?.cpu ?? 'amd64';
  const server = facts.role === 'server';
  const old = kube.store.get('nodes', undefined, facts.name);
  const taints = [...k3sList(config['node-taint']).map(taint), ...(silent ? [UNREACHABLE] : ready ? [] : [NOT_READY])];
  const status = silent ? 'Unknown' : ready ? 'True' : 'False';
  const before = old?.status.conditions.find((entry) => entry.type === 'Ready');
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: facts.name,
      labels: {
        ...old?.metadata.labels,
        'kubernetes.io/arch': arch,
        'kubernetes.io/hostname': facts.name,
        'kubernetes.io/os': 'linux',
        'node.kubernetes.io/instance-type': 'k3s',
        ...(server
          ? { 'node-role.kubernetes.io/control-plane': 'true', 'node-role.kubernetes.io/master': 'true' }
          : {}),
        ...Object.fromEntries(k3sList(config['node-label']).map((label) => pair(label))),
      },
      ...(old?.metadata.annotations === undefined ? {} : { annotations: old.metadata.annotations }),
    },
    spec: {
      podCIDR: `10.42.${facts.index}.0/24`,
      ...(old?.spec.unschedulable === true ? { unschedulable: true } : {}),
      ...(taints.length === 0 ? {} : { taints }),
    },
    status: {
      addresses: [
        { type: 'InternalIP', address: facts.address },
        { type: 'Hostname', address: facts.name },
      ],
      capacity: resources,
      allocatable: resources,
      conditions: [
        {
          type: 'Ready',
          status,
          reason: silent ? 'NodeStatusUnknown' : ready ? 'KubeletReady' : 'KubeletNotReady',
          message: silent
            ? 'Kubelet stopped posting node status.'
            : ready
              ? 'kubelet is posting ready status'
              : 'container runtime network not ready: cni plugin not initialized',
          lastHeartbeatTime: stamp(reportedAt(facts, now)),
          lastTransitionTime: before?.status === status ? (before.lastTransitionTime ?? stamp(now)) : stamp(now),
        },
      ],
      nodeInfo: {
        kubeletVersion: facts.version,
        architecture: arch,
        operatingSystem: 'linux',
        containerRuntimeVersion: 'containerd://1.7',
      },
    },
  };
}

/** The time of the kubelet's last report: at its start, when it became Ready, and then at regular intervals. */
function reportedAt({ startedAt, readyAt, silentFrom = Infinity }: NodeFacts, now: number): number {
  const first = readyAt >= startedAt && now >= readyAt ? readyAt : startedAt;
  const end = Math.min(now, silentFrom);
  return first + Math.max(0, Math.floor((end - first) / STATUS_REPORT)) * STATUS_REPORT;
}

const NOT_READY: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
const UNREACHABLE: Taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' };

/** `key=value:Effect` or `key:Effect`, as k3s accepts taints. */
function taint(text: string): Taint {
  const colon = text.lastIndexOf(':');
  const [key, value] = pair(text.slice(0, colon));
  return { key, ...(value === '' ? {} : { value }), effect: text.slice(colon + 1) };
}

function pair(text: string): [string, string] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}
