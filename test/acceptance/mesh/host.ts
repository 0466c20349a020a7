import { spawnSync } from 'node:child_process';
import { execa } from 'execa';
import { say } from './build/cache.ts';

/** Debian packages that the build needs; install-incus.sh installs those for machines. */
const PACKAGES = [
  'mmdebstrap',
  'zstd',
  'iptables',
  'iproute2',
  'openssl',
  'curl',
  'ca-certificates',
  'dpkg-dev',
  'lxcfs',
  'nftables',
];

/** Why the rig cannot run on this computer; undefined where it can. */
export function missingHere(): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux';
  if (process.arch !== 'x64') return 'the wheel with Envoy is for x86-64 alone';
  if (process.getuid?.() !== 0) return 'it needs root (network namespaces, Incus, mmdebstrap)';
  if (!has('apt-get')) return 'it needs a Debian system (no apt-get)';
  if (!has('go')) return 'it needs Go 1.26 or newer';
  if (!has('python3')) return 'it needs Python 3.11 or newer with pip';
  return undefined;
}

/** Installs missing Debian packages. */
export async function installPackages(): Promise<void> {
  const missing = PACKAGES.filter((name) => {
    const { stdout } = spawnSync('dpkg-query', ['--show', '--showformat', '${Status}', name], { encoding: 'utf8' });
    return !stdout.includes('ok installed');
  });
  if (missing.length === 0) return;
  say(`installing ${missing.join(', ')}`);
  const options = {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'inherit',
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  } as const;
  await execa('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', 'update'], options);
  await execa(
    'apt-get',
    ['-qq', '-o', 'DPkg::Lock::Timeout=300', 'install', '--yes', '--no-install-recommends', ...missing],
    options,
  );
}

function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}
