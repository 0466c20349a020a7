import { spawn } from 'node:child_process';
import { access, mkdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { launchSettings, withoutModules } from '../../../src/machines/incus/launch-settings.ts';
import type { Rig } from './build/index.ts';
import { say } from './build/cache.ts';

/** Incus project of the rig. It has its own bridge and shares the pool of the other tests. */
export const PROJECT = 'istio-vms-mesh';
export const IMAGE = 'mesh-node';
/** Profile for containers in place of virtual machines, with the settings that k3s needs. */
export const VM_PROFILE = 'virtual-machine-like';
const POOL = 'istio-vms-test';
/**
 * The rig needs its own bridge: the one of the other tests refuses all forwarding, and with br_netfilter that includes
 * traffic between two machines.
 */
const BRIDGE = 'ivmsmesh0';
const RANGES = ['10.98.77', '10.173.97', '172.29.207', '192.168.223'];

const INSTALL = fileURLToPath(new URL('../install-incus.sh', import.meta.url));
/** kubelet, containerd and systemd of all nodes share root's limit of inotify instances (docs/facts/real-mesh.md 4.9). */
const INOTIFY = '/proc/sys/fs/inotify/max_user_instances';
const INOTIFY_WANTED = 1024;

/** Runs incus in the rig's project. */
export async function incus(...args: readonly string[]): Promise<string> {
  const [verb = '', ...rest] = args;
  const { stdout } = await execa('incus', [verb, '--quiet', '--project', PROJECT, ...rest], {
    stdin: 'ignore',
    env: { LC_ALL: 'C.UTF-8' },
  });
  return stdout;
}

async function succeeds(...args: readonly string[]): Promise<boolean> {
  return incus(...args).then(
    () => true,
    () => false,
  );
}

/** Prepares daemon, project, profile and image for a run with this Istio version. Idempotent. */
export async function prepareIncus(rig: Rig, istio: string): Promise<void> {
  await startLxcfs();
  await execa('bash', [INSTALL], { stdin: 'ignore', stdout: 'ignore', stderr: 'inherit', timeout: 900_000 });
  if (!(await succeeds('project', 'show', PROJECT))) {
    await incus('project', 'create', PROJECT, '-c', 'features.images=true', '-c', 'features.profiles=true');
  }
  await createBridge();
  await device('default', 'root', 'disk', { path: '/', pool: POOL });
  await device('default', 'eth0', 'nic', { name: 'eth0', network: BRIDGE });
  await device('default', 'rigbin', 'disk', { source: rig.bin, path: '/opt/rig/bin', readonly: 'true' });
  await device('default', 'rigimages', 'disk', {
    source: await rig.images(istio),
    path: '/opt/rig/images',
    readonly: 'true',
  });
  await createVmProfile();
  await importImage(rig);
}

/** Creates the bridge for the machines; an nft table drops their traffic to other networks. */
async function createBridge(): Promise<void> {
  if (!(await succeeds('network', 'show', BRIDGE))) {
    const { stdout } = await execa('ip', ['-4', '-oneline', 'address', 'show']);
    const range = RANGES.find((each) => !stdout.includes(`inet ${each}.`));
    if (range === undefined) throw new Error('no free range of addresses for the bridge of the rig');
    const settings = [`ipv4.address=${range}.1/24`, 'ipv4.nat=false', 'ipv4.firewall=false', 'ipv6.address=none'];
    await incus('network', 'create', BRIDGE, ...settings, 'raw.dnsmasq=no-resolv');
  }
  const table = `inet ${BRIDGE}`;
  const rule = `iifname "${BRIDGE}" oifname != "${BRIDGE}" drop`;
  await execa('nft', ['--file', '-'], {
    input: `table ${table}\ndelete table ${table}\ntable ${table} { chain forward { type filter hook forward priority -10; ${rule}; }; }\n`,
  });
}

/** Creates a profile with the settings that istio-vms gives its nodes, except kernel modules. */
async function createVmProfile(): Promise<void> {
  if (!(await succeeds('profile', 'show', VM_PROFILE))) await incus('profile', 'create', VM_PROFILE);
  const spec = { name: '', release: '', cpus: 1, memory: '1G', disk: '5G', cloudInit: {} };
  const options = {
    lab: '',
    image: IMAGE,
    type: 'container',
    node: true,
    profile: {},
    serverVersion: '6.0.0',
  } as const;
  const { config, devices } = withoutModules(launchSettings(spec, options));
  for (const [key, value] of Object.entries(config)) {
    if (!/^(security|raw)\./.test(key)) continue;
    await incus('profile', 'set', VM_PROFILE, `${key}=${value}`);
  }
  for (const [name, { type, ...options }] of Object.entries(devices)) {
    await device(VM_PROFILE, name, String(type), options);
  }
}

/**
 * Without lxcfs a machine sees all CPUs of the host, even those that it may not use, and the kubelet fails with
 * «write …/kubepods/cpuset.cpus: permission denied». lxcfs keeps running, since machines have its files open.
 */
async function startLxcfs(): Promise<void> {
  const directory = '/var/lib/lxcfs';
  const serves = () =>
    access(`${directory}/proc/cpuinfo`).then(
      () => true,
      () => false,
    );
  if (await serves()) return;
  // A killed lxcfs leaves a mount that does not work.
  if ((await readFile('/proc/self/mounts', 'utf8')).includes(` ${directory} `)) {
    await execa('umount', ['--lazy', directory]);
  }
  await mkdir(directory, { recursive: true });
  spawn('lxcfs', [directory], { detached: true, stdio: 'ignore' }).unref();
  for (let tries = 0; tries < 50; tries++) {
    if (await serves()) return;
    await sleep(100);
  }
  throw new Error('lxcfs did not start');
}

/** Raises the kernel's limit of inotify instances; returns a function that restores it. */
export async function raiseInotifyLimit(): Promise<() => Promise<void>> {
  const before = Number(await readFile(INOTIFY, 'utf8'));
  if (before >= INOTIFY_WANTED) return async () => undefined;
  const set = (value: number) => execa('sysctl', ['-q', '-w', `fs.inotify.max_user_instances=${value}`]);
  await set(INOTIFY_WANTED);
  say(`fs.inotify.max_user_instances raised from ${before} to ${INOTIFY_WANTED} for this run`);
  return async () => {
    await set(before);
  };
}

/**
 * Restarts a machine with another, unused address, as after a new DHCP lease. Returns the address.
 */
export async function moveMachine(name: string): Promise<string> {
  const leases = JSON.parse(await incus('network', 'list-leases', BRIDGE, '--format', 'json')) as { address: string }[];
  const network = (await incus('network', 'get', BRIDGE, 'ipv4.address')).trim();
  const prefix = network.split('.').slice(0, 3).join('.');
  const taken = new Set(leases.map(({ address }) => address));
  const address = [...Array(50).keys()].map((n) => `${prefix}.${200 - n}`).find((each) => !taken.has(each)) ?? '';
  await incus('stop', name, '--force');
  const override = ['config', 'device'];
  await incus(...override, 'override', name, 'eth0', `ipv4.address=${address}`).catch(() =>
    incus(...override, 'set', name, 'eth0', `ipv4.address=${address}`),
  );
  await incus('start', name);
  return address;
}

/**
 * The last lines of the journal of the lab's units on each running machine.
 *
 * @param idle only of units that are not active
 */
export async function journals(lines: number, { idle = false } = {}): Promise<string> {
  const names = (await incus('list', 'status=running', '--format', 'csv', '--columns', 'n'))
    .split('\n')
    .filter(Boolean);
  const script = `for unit in cloud-final k3s k3s-agent istio; do
    systemctl cat $unit >/dev/null 2>&1 || continue
    state=$(systemctl is-active $unit)
    [ ${idle ? '"$state" != active' : '1 = 1'} ] || continue
    echo "-- $unit: $state"
    journalctl --unit $unit --no-pager --output cat --lines ${lines} | cut -c 1-${idle ? 200 : 400}
  done`;
  const outputs = names.map(async (name) => {
    const text = await incus('exec', name, '--', 'sh', '-c', script).catch(String);
    return text === '' ? '' : `== ${name}\n${text}\n`;
  });
  return (await Promise.all(outputs)).join('');
}

async function device(
  profile: string,
  name: string,
  type: string,
  options: Readonly<Record<string, string>>,
): Promise<void> {
  const settings = Object.entries(options).map(([key, value]) => `${key}=${value}`);
  if (await succeeds('profile', 'device', 'get', profile, name, Object.keys(options)[0] ?? '')) {
    await incus('profile', 'device', 'set', profile, name, ...settings);
  } else await incus('profile', 'device', 'add', profile, name, type, ...settings);
}

async function importImage({ nodeImage }: Rig): Promise<void> {
  const known = await incus('image', 'get-property', IMAGE, 'digest').catch(() => '');
  if (known.trim() === nodeImage.digest) return;
  say('importing the image of the machines');
  await incus('image', 'delete', IMAGE).catch(() => '');
  await incus('image', 'import', nodeImage.metadata, nodeImage.rootfs, '--alias', IMAGE, `digest=${nodeImage.digest}`);
}
