import { NODE_READY, NODE_SILENT } from '../durations.ts';
import { k3sConfig, k3sList, stamp, type Controller, type Kube, type NodeFacts } from './kube.ts';
import { machineBytes } from './quantities.ts';
import type { NodeObject, Taint } from './shapes.ts';

/** Share of a machine's memory that the kernel leaves to be used. */
const USABLE_MEMORY = 0.96;

export interface JoiningNode {
  readonly name: string;
  readonly address: string;
  readonly role: 'server' | 'agent';
  readonly version: string;
  readonly password: string;
}

/** A kubelet registers, or comes back after a restart (facts/k3s.md 2.6 for the password). */
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
  if (known === undefined) {
    const { name, address, role, version } = node;
    kube.nodes.set(name, { name, address, role, version, index: kube.nodes.size, readyAt: now + NODE_READY });
    // The object is there with the join; only the condition comes later.
    kube.store.put(nodeObject(kube, kube.nodes.get(name) as NodeFacts));
  } else {
    kube.nodes.set(node.name, { ...known, address: node.address, version: node.version, readyAt: now + NODE_READY });
    const back = kube.nodes.get(node.name) as NodeFacts;
    if (known.silentAt === undefined || known.silentAt > now) back.readyAt = Math.min(known.readyAt, back.readyAt);
    delete back.silentAt;
  }
  kube.wakeAt(now + NODE_READY);
  kube.touch();
  return {};
}

/** The kubelet is silent from now on; the control plane notices after its grace period. */
export function nodeDown(kube: Kube, name: string): void {
  const node = kube.nodes.get(name);
  if (node === undefined || node.silentAt !== undefined) return;
  node.silentAt = kube.world.clock.now() + NODE_SILENT;
  kube.wakeAt(node.silentAt);
}

/** Keeps Node objects as their kubelets, or their silence, would have them; forgets nodes whose object was deleted. */
export const nodes: Controller = (kube) => {
  for (const facts of [...kube.nodes.values()]) {
    if (kube.store.get('nodes', undefined, facts.name) === undefined) {
      // `kubectl delete node` takes the password Secret along; the kubelet registers anew only after a restart.
      kube.nodes.delete(facts.name);
      kube.passwords.delete(facts.name);
    } else kube.store.put(nodeObject(kube, facts));
  }
};

function nodeObject(kube: Kube, facts: NodeFacts): NodeObject {
  const instance = kube.world.engine.instances.get(facts.name);
  const config = k3sConfig(kube.world, facts.name);
  const now = kube.world.clock.now();
  const silent = facts.silentAt !== undefined && now >= facts.silentAt;
  const ready = !silent && now >= facts.readyAt;
  const memory = `${Math.floor((machineBytes(instance?.memory ?? '4G') * USABLE_MEMORY) / 1024)}Ki`;
  const resources = { cpu: String(instance?.cpus ?? 2), memory, pods: '110' };
  const arch = instance?.cpu ?? 'amd64';
  const server = facts.role === 'server';
  const old = kube.store.get('nodes', undefined, facts.name) as NodeObject | undefined;
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
    spec: { podCIDR: `10.42.${facts.index}.0/24`, ...(taints.length === 0 ? {} : { taints }) },
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

const NOT_READY: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
const UNREACHABLE: Taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' };

/** `key=value:Effect` or `key:Effect`, as k3s takes taints. */
function taint(text: string): Taint {
  const colon = text.lastIndexOf(':');
  const [key, value] = pair(text.slice(0, colon));
  return { key, ...(value === '' ? {} : { value }), effect: text.slice(colon + 1) };
}

function pair(text: string): [string, string] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}
