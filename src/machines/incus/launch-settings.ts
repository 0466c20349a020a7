import { stringify } from 'yaml';
import { LABEL, type IncusDevice } from './json.ts';
import type { MachineSpec } from '../machine.ts';

export type IncusType = 'container' | 'virtual-machine';

/** All that a launch says, besides the name. */
export interface IncusLaunch {
  readonly image: string;
  readonly type: IncusType;
  /** Member of a cluster. */
  readonly target?: string;
  readonly config: Readonly<Record<string, string>>;
  readonly devices: Readonly<Record<string, IncusDevice>>;
}

export interface IncusWishes {
  /** The lab whose label the machine gets. */
  readonly lab: string;
  readonly image: string;
  readonly type: IncusType;
  readonly target?: string;
  /** A network instead of the profile's. */
  readonly network?: string;
  /** Whether k3s will run on it; else a workload with its sidecar. */
  readonly node: boolean;
  /** Devices of the profile `default`, by name. */
  readonly profile: Readonly<Record<string, IncusDevice>>;
  /** Of the server, e.g. `6.0.4`. */
  readonly serverVersion: string;
}

/** What a machine is launched with. Pure. */
export function launchSettings(spec: MachineSpec, wishes: IncusWishes): IncusLaunch {
  const isNode = wishes.type === 'container' && wishes.node;
  return {
    image: wishes.image,
    type: wishes.type,
    ...(wishes.target === undefined ? {} : { target: wishes.target }),
    config: {
      [LABEL]: wishes.lab,
      'cloud-init.user-data': `#cloud-config\n${stringify(spec.cloudInit)}`,
      'limits.cpu': String(spec.cpus),
      'limits.memory': binarySize(spec.memory),
      ...(wishes.type === 'container' ? CONTAINER : {}),
      ...(isNode ? nodeConfig(wishes.serverVersion) : {}),
    },
    devices: {
      ...rootDevice(wishes.profile, spec.disk),
      ...(wishes.network === undefined ? {} : { eth0: { type: 'nic', name: 'eth0', network: wishes.network } }),
      ...(isNode ? NODE_DEVICES : {}),
    },
  };
}

/**
 * Every container. A sidecar needs nothing else: netfilter tables, owner matches and connection tracking are a
 * container's own, also where it is not privileged (docs/facts/incus.md 8.1).
 */
const CONTAINER = {
  // systemd from 256 on sets up its services' credentials with mounts that AppArmor forbids without it.
  'security.nesting': 'true',
} as const;

/**
 * A container with k3s inside. It sees and changes the host's kernel: for a lab, and a virtual machine is the isolated
 * choice (docs/facts/incus.md 8.2).
 */
function nodeConfig(serverVersion: string): Readonly<Record<string, string>> {
  const lines = [
    // containerd loads profiles of its own, which a confined container may not.
    'lxc.apparmor.profile=unconfined',
    // Pods that are privileged (the service load balancer sets sysctls) get no more than their node has.
    'lxc.cap.drop=',
    // The kubelet writes vm.overcommit_memory, kernel.panic and the cgroup tree.
    'lxc.mount.auto=proc:rw sys:rw cgroup:rw',
    // runc allows devices to privileged pods and fails where it may not.
    'lxc.cgroup2.devices.allow=a',
    // The same on cgroup v1, which Incus 7 no longer knows.
    ...(majorOf(serverVersion) < 7 ? ['lxc.cgroup.devices.allow=a'] : []),
  ];
  return {
    // mknod, bpf and /proc/sys for the kubelet, which refuses a user namespace unless told (k3s-io/k3s#4249).
    'security.privileged': 'true',
    // A container cannot load modules: overlay for images, the others for kube-proxy and flannel.
    [KERNEL_MODULES]: 'overlay,br_netfilter,nf_conntrack,xt_conntrack,vxlan',
    'raw.lxc': `${lines.join('\n')}\n`,
  };
}

export const KERNEL_MODULES = 'linux.kernel_modules';

const NODE_DEVICES: Readonly<Record<string, IncusDevice>> = {
  // The kubelet watches the kernel's log for out-of-memory kills, and ends when there is none.
  kmsg: { type: 'unix-char', source: '/dev/kmsg', path: '/dev/kmsg' },
};

/** The same without kernel modules, for a host that has them built in or cannot load any. */
export function withoutModules(launch: IncusLaunch): IncusLaunch {
  return {
    ...launch,
    config: Object.fromEntries(Object.entries(launch.config).filter(([key]) => key !== KERNEL_MODULES)),
  };
}

/** The profile's root disk with a size of its own; an override has to name the device whole. */
function rootDevice(profile: IncusWishes['profile'], disk: string): Readonly<Record<string, IncusDevice>> {
  const found = rootOf(profile);
  return found === undefined ? {} : { [found[0]]: { ...found[1], size: binarySize(disk) } };
}

export function rootOf(profile: IncusWishes['profile']): readonly [string, IncusDevice] | undefined {
  return Object.entries(profile).find(([, device]) => device['type'] === 'disk' && device['path'] === '/');
}

/** `1G` of our grammar counts in powers of 1024; to Incus that is `1GiB`, and `1GB` would be less. */
export function binarySize(size: string): string {
  const [, number = size, unit] = /^([\d.]+)\s*([KMG])?(?:i?B)?$/i.exec(size) ?? [];
  if (unit === undefined) return number;
  if (/^\d+$/.test(number)) return `${number}${unit.toUpperCase()}iB`;
  // Incus takes whole numbers alone.
  const factor = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[unit.toUpperCase()] ?? 1;
  return String(Math.floor(Number(number) * factor));
}

const majorOf = (version: string): number => Number(/^(\d+)/.exec(version)?.[1] ?? 0);
