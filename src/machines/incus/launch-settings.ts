import { stringify } from 'yaml';
import { LABEL, type IncusDevice } from './json.ts';
import type { MachineSpec } from '../machine.ts';

export type IncusType = 'container' | 'virtual-machine';

/** All settings of a launch except the name. */
export interface IncusLaunch {
  readonly image: string;
  readonly type: IncusType;
  /** Member of a cluster. */
  readonly target?: string;
  readonly config: Readonly<Record<string, string>>;
  readonly devices: Readonly<Record<string, IncusDevice>>;
}

export interface LaunchOptions {
  /** The lab whose label the machine gets. */
  readonly lab: string;
  readonly image: string;
  readonly type: IncusType;
  readonly target?: string;
  /** A network that replaces the profile's. */
  readonly network?: string;
  /** Whether it is a k3s node; otherwise it is a workload machine with a sidecar. */
  readonly node: boolean;
  /** Devices of the profile `default`, by name. */
  readonly profile: Readonly<Record<string, IncusDevice>>;
  /** Version of the server, e.g. `6.0.4`. */
  readonly serverVersion: string;
}

/** The settings with which a machine is launched. Pure. */
export function launchSettings(spec: MachineSpec, options: LaunchOptions): IncusLaunch {
  const isNode = options.type === 'container' && options.node;
  return {
    image: options.image,
    type: options.type,
    ...(options.target === undefined ? {} : { target: options.target }),
    config: {
      [LABEL]: options.lab,
      'cloud-init.user-data': `#cloud-config\n${stringify(spec.cloudInit)}`,
      'limits.cpu': String(spec.cpus),
      'limits.memory': binarySize(spec.memory),
      ...(options.type === 'container' ? CONTAINER : {}),
      ...(isNode ? nodeConfig(options.serverVersion) : {}),
    },
    devices: {
      ...rootDevice(options.profile, spec.disk),
      ...(options.network === undefined ? {} : { eth0: { type: 'nic', name: 'eth0', network: options.network } }),
      ...(isNode ? NODE_DEVICES : {}),
    },
  };
}

/**
 * Settings of every container. A sidecar needs no others: netfilter tables, owner matches and connection tracking are
 * separate for each container, even an unprivileged one (docs/facts/incus.md 8.1).
 */
const CONTAINER = {
  // systemd from 256 on sets up the credentials of its services with mounts that AppArmor forbids without this setting.
  'security.nesting': 'true',
} as const;

/**
 * A container that runs k3s. It can see and change the host's kernel, which is acceptable for a lab; use a virtual
 * machine for isolation (docs/facts/incus.md 8.2).
 */
function nodeConfig(serverVersion: string): Readonly<Record<string, string>> {
  const lines = [
    // containerd loads its own AppArmor profiles, which a confined container may not.
    'lxc.apparmor.profile=unconfined',
    // Privileged pods (the service load balancer sets sysctls) have at most the capabilities of their node.
    'lxc.cap.drop=',
    // The kubelet writes vm.overcommit_memory, kernel.panic and the cgroup tree.
    'lxc.mount.auto=proc:rw sys:rw cgroup:rw',
    // runc allows devices for privileged pods and fails if it may not.
    'lxc.cgroup2.devices.allow=a',
    // The same for cgroup v1, which Incus 7 no longer supports.
    ...(majorOf(serverVersion) < 7 ? ['lxc.cgroup.devices.allow=a'] : []),
  ];
  return {
    // mknod, bpf and /proc/sys for the kubelet, which by default refuses to run in a user namespace (k3s-io/k3s#4249).
    'security.privileged': 'true',
    // A container cannot load kernel modules, so Incus loads them: overlay for images, the others for kube-proxy and
    // flannel.
    [KERNEL_MODULES]: 'overlay,br_netfilter,nf_conntrack,xt_conntrack,vxlan',
    'raw.lxc': `${lines.join('\n')}\n`,
  };
}

export const KERNEL_MODULES = 'linux.kernel_modules';

const NODE_DEVICES: Readonly<Record<string, IncusDevice>> = {
  // The kubelet watches the kernel log for out-of-memory kills, and exits when there is no kernel log.
  kmsg: { type: 'unix-char', source: '/dev/kmsg', path: '/dev/kmsg' },
};

/** The same settings without kernel modules, for a host that has them built in or cannot load any. */
export function withoutModules(launch: IncusLaunch): IncusLaunch {
  return {
    ...launch,
    config: Object.fromEntries(Object.entries(launch.config).filter(([key]) => key !== KERNEL_MODULES)),
  };
}

/** The profile's root disk with another size; an override has to contain the whole device. */
function rootDevice(profile: LaunchOptions['profile'], disk: string): Readonly<Record<string, IncusDevice>> {
  const found = rootOf(profile);
  return found === undefined ? {} : { [found[0]]: { ...found[1], size: binarySize(disk) } };
}

export function rootOf(profile: LaunchOptions['profile']): readonly [string, IncusDevice] | undefined {
  return Object.entries(profile).find(([, device]) => device['type'] === 'disk' && device['path'] === '/');
}

/** `1G` in our grammar is a power of 1024; Incus calls that `1GiB`, and its `1GB` is smaller. */
export function binarySize(size: string): string {
  const [, number = size, unit] = /^([\d.]+)\s*([KMG])?(?:i?B)?$/i.exec(size) ?? [];
  if (unit === undefined) return number;
  if (/^\d+$/.test(number)) return `${number}${unit.toUpperCase()}iB`;
  // Incus accepts only whole numbers.
  const factor = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[unit.toUpperCase()] ?? 1;
  return String(Math.floor(Number(number) * factor));
}

const majorOf = (version: string): number => Number(/^(\d+)/.exec(version)?.[1] ?? 0);
