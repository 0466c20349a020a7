import { posix } from 'node:path';
import {
  ENGINE_CALL,
  EXEC_SESSION,
  GUEST_COMMAND,
  LINE_BYTES_PER_SECOND,
  LINE_LATENCY,
  PACKAGE_INSTALL,
} from '../../src/rehearsal/durations.ts';
import { UNIT_MODELS } from '../../src/rehearsal/guest/boot.ts';
import { guestPath, guestText, makeDirectory, removeGuest, writeGuest } from '../../src/rehearsal/guest/files.ts';
import { waitReady } from '../../src/rehearsal/guest/sidecar.ts';
import { startUnit, type Guest } from '../../src/rehearsal/guest/systemd.ts';
import { releaseServers } from '../../src/rehearsal/artifacts.ts';
import { standInBytes } from '../../src/rehearsal/stand-in.ts';
import type { ProgramResult } from '../../src/rehearsal/world.ts';

/**
 * Simulates the commands that the original runs on its machines: they change files, users and units of the simulated
 * guest, and take as long as those of istio-vms. Returns undefined for any other command.
 */
export function originalOnGuest(guest: Guest, inner: readonly string[]): (() => Promise<ProgramResult>) | undefined {
  const words = inner[0] === 'sudo' ? inner.slice(1) : inner;
  const line = words.slice(0, 2).join(' ') === 'bash -c' ? (words[2] ?? '') : words.join(' ');
  const found = LINES.find(({ pattern }) => pattern.test(line));
  if (found === undefined) return undefined;
  return async () => {
    await guest.world.clock.sleep(ENGINE_CALL + EXEC_SESSION + GUEST_COMMAND);
    await found.act(guest, found.pattern.exec(line)?.slice(1) ?? []);
    return { exitCode: 0 };
  };
}

interface Line {
  readonly pattern: RegExp;
  readonly act: (guest: Guest, parts: readonly string[]) => Promise<void> | void;
}

const HOME = '/home/ubuntu';
const at = (path: string): string => posix.resolve(HOME, path);

const LINES: readonly Line[] = [
  { pattern: /^mkdir -p [\w/.-]+$/, act: () => undefined },
  { pattern: /^touch ([\w/.-]+)$/, act: ({ instance }, [path = '']) => touch(instance, path) },
  { pattern: /^mv -v (\S+) (\S+)$/, act: ({ instance }, [from = '', to = '']) => move(instance, at(from), to) },
  { pattern: /^groupadd --system istio-proxy$/, act: () => undefined },
  { pattern: /^useradd --system .* istio-proxy$/, act: ({ instance }) => void instance.users.add('istio-proxy') },
  { pattern: /^chmod (\S+) (.+)$/, act: ({ instance }, [mode = '', paths = '']) => change(instance, paths, mode) },
  { pattern: /^chown -R istio-proxy\.istio-proxy (.+)$/, act: ({ instance }, [paths = '']) => own(instance, paths) },
  {
    pattern:
      /^curl -sfL https:\/\/get\.k3s\.io \| INSTALL_K3S_VERSION=(\S+) INSTALL_K3S_EXEC="server --disable traefik" sh$/,
    act: installServer,
  },
  {
    pattern: /^curl -sfL https:\/\/get\.k3s\.io \| INSTALL_K3S_VERSION=(\S+) K3S_URL="(\S+)" K3S_TOKEN="(\S+)" sh -$/,
    act: installAgent,
  },
  {
    pattern: /^curl -LO \S+\/releases\/([\d.]+)\/deb\/istio-sidecar\.deb && sudo dpkg -i istio-sidecar\.deb$/,
    act: installPackage,
  },
  { pattern: /^cd \/ && sudo istio-start\.sh$/, act: startSidecar },
  { pattern: /^python3 -m http\.server$/, act: startDemo },
];

function touch(instance: Guest['instance'], path: string): void {
  if (guestText(instance, path) === undefined) writeGuest(instance, path, '');
}

function move(instance: Guest['instance'], from: string, to: string): void {
  const paths = from.endsWith('/*')
    ? [...instance.files.keys()].filter((path) => posix.dirname(path) === from.slice(0, -2))
    : [from];
  for (const path of paths) {
    const entry = instance.files.get(path);
    if (entry === undefined) throw new Error(`mv: cannot stat '${path}' on ${instance.name}`);
    writeGuest(instance, to.endsWith('/') ? posix.join(to, posix.basename(path)) : to, entry.content, entry);
    removeGuest(instance, path);
  }
}

function change(instance: Guest['instance'], paths: string, mode: string): void {
  for (const path of expanded(paths)) {
    const entry = instance.files.get(guestPath(instance, path));
    if (entry !== undefined) entry.mode = mode === 'o+rx' ? entry.mode | 0o005 : Number.parseInt(mode, 8);
  }
}

function own(instance: Guest['instance'], paths: string): void {
  const roots = paths.split(/\s+/).map((path) => guestPath(instance, path));
  // The agent creates its sockets in these directories (docs/facts/real-mesh.md 6.2).
  for (const root of roots) makeDirectory(instance, root, { owner: 'istio-proxy' });
  for (const [path, entry] of instance.files) {
    if (roots.some((root) => path === root || path.startsWith(`${root}/`))) {
      Object.assign(entry, { owner: 'istio-proxy', group: 'istio-proxy' });
    }
  }
}

/** Expands `{a,b}` like the shell. */
function expanded(paths: string): readonly string[] {
  const [, before = '', names = '', after = ''] = /^(.*)\{(.*)\}(.*)$/.exec(paths) ?? [];
  return names === '' ? paths.split(/\s+/) : names.split(',').map((name) => `${before}${name}${after}`);
}

/** Downloads the install script of k3s, the checksums and the binary. Callers write its flags to config.yaml, not to the unit. */
async function fetchK3s({ world, instance }: Guest, version: string): Promise<void> {
  const file = instance.cpu === 'arm64' ? 'k3s-arm64' : 'k3s';
  const served = await releaseServers(world.shipped)(`/k3s-io/k3s/releases/download/${version}/${file}`);
  if (served === undefined) throw new Error(`there is no k3s ${version}`);
  await world.clock.sleep(3 * LINE_LATENCY + (served.size / LINE_BYTES_PER_SECOND) * 1000);
  writeGuest(instance, '/usr/local/bin/k3s', served.bytes, { mode: 0o755 });
}

async function installServer(guest: Guest, [version = '']: readonly string[]): Promise<void> {
  const { instance } = guest;
  await fetchK3s(guest, version);
  writeGuest(instance, '/etc/rancher/k3s/config.yaml', 'disable:\n  - traefik\n');
  writeGuest(instance, '/etc/systemd/system/k3s.service', unit('/usr/local/bin/k3s server'));
  // Type=notify: the script ends when the server reports that it is ready.
  await startUnit(guest, 'k3s', UNIT_MODELS);
  const token = guest.world.cluster?.agentToken ?? '';
  writeGuest(instance, '/var/lib/rancher/k3s/server/node-token', `${token}\n`, { mode: 0o600 });
}

async function installAgent(guest: Guest, [version = '', url = '', token = '']: readonly string[]): Promise<void> {
  const { instance } = guest;
  await fetchK3s(guest, version);
  writeGuest(instance, '/etc/rancher/k3s/config.yaml', `server: ${url}\ntoken: ${token}\n`);
  writeGuest(instance, '/etc/systemd/system/k3s-agent.service', unit('/usr/local/bin/k3s agent'));
  // Type=exec: the script does not wait until the agent has joined.
  void startUnit(guest, 'k3s-agent', UNIT_MODELS);
}

/** Installs the package with its unit. The start script of the package reads the environment file like systemd. */
async function installPackage({ world, instance }: Guest, [version = '']: readonly string[]): Promise<void> {
  const served = await releaseServers(world.shipped)(`/istio-release/releases/${version}/deb/istio-sidecar.deb`);
  if (served === undefined) throw new Error(`there is no package of ${version}`);
  await world.clock.sleep(LINE_LATENCY + (served.size / LINE_BYTES_PER_SECOND) * 1000 + PACKAGE_INSTALL);
  for (const artifact of ['envoy', 'pilot-agent']) {
    writeGuest(instance, `/usr/local/bin/${artifact}`, standInBytes({ artifact, version, cpu: instance.cpu }), {
      mode: 0o755,
    });
  }
  writeGuest(instance, '/usr/local/bin/istio-start.sh', '#!/bin/bash\n', { mode: 0o755 });
  writeGuest(instance, '/lib/systemd/system/istio.service', SIDECAR_UNIT);
  instance.users.add('istio-proxy');
  instance.packages.set('istio-sidecar', version);
}

const unit = (command: string): string => `[Service]\nExecStart=${command}\n`;
export const SIDECAR_UNIT = `[Service]\nEnvironmentFile=/var/lib/istio/envoy/cluster.env\nExecStart=/usr/local/bin/istio-start.sh\n`;

/** Runs in the foreground of a terminal; it is done when the log reports that Envoy is ready. */
async function startSidecar(guest: Guest): Promise<void> {
  await startUnit(guest, 'istio', UNIT_MODELS);
  if (!(await waitReady(guest, 300))) {
    throw new Error(
      `the original's sidecar did not become ready: ${guest.instance.units.get('istio')?.journal.at(-1) ?? ''}`,
    );
  }
}

/** Runs in a second terminal. The simulated demo workload stands for this server, which serves its current directory. */
async function startDemo(guest: Guest): Promise<void> {
  writeGuest(guest.instance, '/var/lib/istio-vms/demo/index.html', '<title>Directory listing for /</title>\n');
  writeGuest(
    guest.instance,
    '/etc/systemd/system/istio-vms-demo.service',
    unit('/usr/bin/python3 -m http.server 8000'),
  );
  await startUnit(guest, 'istio-vms-demo', UNIT_MODELS);
}
