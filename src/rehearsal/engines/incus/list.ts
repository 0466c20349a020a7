import { createHash } from 'node:crypto';
import { isFaultOn } from '../../fault-state.ts';
import { nodeAddresses } from '../../guest/k3s.ts';
import { KERNEL_CPU } from '../../guest/scripts/state.ts';
import type { Instance, World } from '../../world.ts';
import { factsOf, projectOfAll, type Device } from './instances.ts';
import { PROFILE } from './instances.ts';

/** Codes and names of the states (docs/facts/incus.md 4.1). An instance that restarts itself counts as running. */
const STATES: Readonly<Record<Instance['state'], readonly [number, string]>> = {
  Running: [103, 'Running'],
  Starting: [103, 'Running'],
  Restarting: [103, 'Running'],
  Stopped: [102, 'Stopped'],
  Suspended: [110, 'Frozen'],
  Deleted: [102, 'Stopped'],
  Unknown: [112, 'Error'],
};

/** One object of `incus list --format json` (docs/facts/incus.md 4.1). */
export function instanceView(world: World, instance: Instance): object {
  const facts = factsOf(instance);
  const [code, status] = STATES[instance.state];
  const config = {
    'image.description': `Ubuntu ${instance.release}`,
    'image.os': 'ubuntu',
    'image.release': instance.release,
    'volatile.base_image': digest(instance.release),
    'volatile.eth0.hwaddr': cardOf(instance),
    'volatile.last_state.power': code === 103 ? 'RUNNING' : 'STOPPED',
    ...Object.fromEntries(facts.config),
  };
  const profile = PROFILE(world);
  return {
    architecture: KERNEL_CPU[instance.cpu],
    config,
    devices: facts.devices,
    ephemeral: false,
    profiles: ['default'],
    stateful: false,
    description: '',
    created_at: time(facts.createdAt),
    expanded_config: config,
    expanded_devices: { ...profile, ...facts.devices } satisfies Readonly<Record<string, Device>>,
    name: instance.name,
    status,
    status_code: code,
    last_used_at: time(facts.createdAt),
    location: facts.location,
    type: facts.type,
    project: projectOfAll(world),
    backups: null,
    state: stateView(world, instance, code, status),
    snapshots: null,
  };
}

function stateView(world: World, instance: Instance, code: number, status: string): object {
  const isUp = code === 103;
  return {
    status,
    status_code: code,
    disk: {},
    memory: { usage: isUp ? 27_054_080 : 0, usage_peak: 0, total: 0, swap_usage: 0, swap_usage_peak: 0 },
    network: isUp ? networkOf(world, instance) : null,
    pid: isUp ? 10_000 + Number(instance.address.split('.')[3]) : 0,
    // -1: the agent of a virtual machine does not answer.
    processes: !isUp ? 0 : instance.state === 'Running' || factsOf(instance).type === 'container' ? 9 : -1,
    cpu: { usage: 0, allocated_time: 0 },
    started_at: time(factsOf(instance).createdAt),
    os_info: null,
  };
}

/**
 * Interfaces sorted by name, so that a bridge on the machine comes before its network card (docs/facts/incus.md 4.1).
 */
function networkOf(world: World, instance: Instance): object {
  const isKnown = instance.addressKnown && instance.state === 'Running';
  const bridge = nodeAddresses({ world, instance }).find((address) => address.endsWith('.1'));
  const card = factsOf(instance).type === 'container' ? 'eth0' : 'enp5s0';
  const interfaces: Readonly<Record<string, object | undefined>> = {
    cni0: bridge === undefined ? undefined : nic([[bridge, '24', 'global']], ''),
    docker0: isFaultOn(world, 'second-address') ? nic([['172.17.0.1', '16', 'global']], '') : undefined,
    [card]: nic(isKnown ? [[instance.address, '24', 'global']] : [], cardOf(instance)),
    lo: nic([['127.0.0.1', '8', 'local']], '', 'loopback'),
  };
  return Object.fromEntries(
    Object.entries(interfaces)
      .filter(([, each]) => each !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function nic(
  addresses: readonly (readonly [address: string, netmask: string, scope: string])[],
  hwaddr: string,
  type = 'broadcast',
): object {
  return {
    addresses: addresses.map(([address, netmask, scope]) => ({ family: 'inet', address, netmask, scope })),
    counters: { bytes_received: 0, bytes_sent: 0, packets_received: 0, packets_sent: 0 },
    hwaddr,
    host_name: '',
    mtu: 1500,
    state: 'up',
    type,
  };
}

/** The hardware address of the machine's network card, assigned by Incus. */
function cardOf({ name }: Instance): string {
  return `10:66:6a:${(digest(name).slice(0, 6).match(/../g) ?? []).join(':')}`;
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const time = (ms: number): string => new Date(ms).toISOString();
