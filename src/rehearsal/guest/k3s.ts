import { createHash } from 'node:crypto';
import { createCluster } from '../cluster/index.ts';
import { clusterOf } from '../cluster/kube.ts';
import {
  K3S_AGENT_JOIN,
  K3S_AGENT_RETRY,
  K3S_PASSWORD_RETRY,
  K3S_SERVER_FILES,
  K3S_SERVER_READY,
  K3S_SERVER_RESTART,
  K3S_TOKEN_FILE_WAIT,
  K3S_UNPACK,
  KUBELET_LATE,
} from '../durations.ts';
import { readStandIn } from '../stand-in.ts';
import type { Cluster, Instance, World } from '../world.ts';
import { guestEntry, guestHas, guestText, writeGuest } from './files.ts';
import { importArchives } from './images.ts';
import { readK3sConfig, scalar, type K3sConfig } from './k3s-config.ts';
import { UnitExit, type Guest, type UnitModel, type UnitRun } from './systemd.ts';
import { execLine } from './unit-file.ts';

const BINARY = '/usr/local/bin/k3s';
const CONFIG = '/etc/rancher/k3s/config.yaml';
const DATA = '/var/lib/rancher/k3s';
const PASSWORD = '/etc/rancher/node/password';
/** Stands for the cluster's database and holds its CA: written at the first start, and gone with the machine. */
const DATABASE = `${DATA}/server/db/state.db`;

/** k3s under systemd, server or agent as its unit says (docs/facts/k3s.md 2 and 3). */
export const k3sUnit: UnitModel = {
  run: async (run) => {
    const { instance } = run;
    const [role] = run.file.all('Service.ExecStart').map(execLine)[0]?.args ?? [];
    if (role !== 'server' && role !== 'agent') throw new UnitExit(1, `No help topic for '${role ?? ''}'`);
    const version = readStandIn(guestEntry(instance, BINARY)?.content)?.version ?? 'unknown';
    run.log(`level=info msg="Starting k3s ${version}"`);
    const { config, warnings, fatal } = readK3sConfig(guestText(instance, CONFIG), role);
    warnings.forEach((warning) => run.log(`level=warning msg="${warning}"`));
    if (fatal !== undefined) throw new UnitExit(1, fatal);
    checkAddress(instance, config);
    if (!guestHas(instance, `${DATA}/data/current`)) {
      await run.sleep(K3S_UNPACK);
      writeGuest(instance, `${DATA}/data/current`, version);
    }
    await importArchives(instance);
    await (role === 'server' ? serve(run, config, version) : join(run, config, version));
  },
  stop: (guest) => {
    guest.world.cluster?.nodeDown(guest.instance.name);
    return 0;
  },
};

function checkAddress(instance: Instance, config: K3sConfig): void {
  const address = scalar(config, 'node-ip');
  if (address === undefined || address === instance.address) return;
  throw fatalError(`failed to find interface with specified node ip ${address}`);
}

async function serve(run: UnitRun, config: K3sConfig, version: string): Promise<void> {
  const { instance, world } = run;
  const tokenFile = scalar(config, 'agent-token-file');
  if (tokenFile !== undefined) await waitForFile(run, tokenFile);
  const old = world.cluster;
  const first = old?.server !== instance.name || guestText(instance, DATABASE) !== old.ca;
  if (first) {
    await run.sleep(K3S_SERVER_FILES);
    world.cluster = createCluster(world, { server: instance.name, address: instance.address, version });
    writeGuest(instance, DATABASE, world.cluster.ca, { mode: 0o600 });
  }
  const cluster = world.cluster as Cluster;
  writeGuest(instance, `${DATA}/server/agent-token`, `${cluster.agentToken}\n`, { mode: 0o600 });
  // Written at every start, before the API answers (docs/facts/k3s.md 3 and 12).
  const mode = Number.parseInt(scalar(config, 'write-kubeconfig-mode') ?? '0600', 8);
  writeGuest(instance, '/etc/rancher/k3s/k3s.yaml', cluster.kubeconfig(), { mode });
  await run.sleep(first ? K3S_SERVER_READY : K3S_SERVER_RESTART);
  run.active();
  run.log('level=info msg="k3s is up and running"');
  // Until then, what the API server reports of this node is from before the restart.
  if (!first) await run.sleep(KUBELET_LATE);
  await register(run, cluster, 'server', version);
}

/** An agent retries without end; its unit is `activating` until it has joined (docs/facts/k3s.md 0.1). */
async function join(run: UnitRun, config: K3sConfig, version: string): Promise<void> {
  const { instance, world } = run;
  const url = /^https:\/\/([\d.]+):6443\/?$/.exec(scalar(config, 'server') ?? '');
  if (url === null) throw fatalError('--server is required, and must be https');
  const target = `https://${url[1]}:6443`;
  const tokenFile = scalar(config, 'token-file');
  if (tokenFile !== undefined) await waitForFile(run, tokenFile);
  const token = (
    tokenFile !== undefined ? (guestText(instance, tokenFile) ?? '') : (scalar(config, 'token') ?? '')
  ).trim();
  if (token === '') throw fatalError('--token is required');
  for (;;) {
    const problem = obstacle(world, target, url[1] ?? '', token);
    if (problem === undefined) break;
    run.log(`level=error msg="${problem}"`);
    await run.sleep(K3S_AGENT_RETRY);
  }
  await run.sleep(K3S_AGENT_JOIN);
  const cluster = world.cluster;
  if (cluster?.ready() !== true) throw fatalError(`${target} went away while joining`);
  await register(run, cluster, 'agent', version, url[1]);
  run.active();
  run.log('level=info msg="k3s agent is up and running"');
}

/** Why an agent cannot join its server, in the words of docs/facts/k3s.md 3. */
function obstacle(world: World, target: string, address: string, token: string): string | undefined {
  const { cluster } = world;
  const server = cluster === undefined ? undefined : world.engine.instances.get(cluster.server);
  const unit = server?.units.get('k3s')?.active;
  if (
    cluster === undefined ||
    server?.address !== address ||
    server.state !== 'Running' ||
    unit === undefined ||
    unit === 'inactive'
  ) {
    return `Failed to validate connection to cluster at ${target}: failed to get CA certs: dial tcp ${address}:6443: connect: connection refused`;
  }
  if (!cluster.ready()) return 'Waiting to retrieve agent configuration; server is not ready: 503 Service Unavailable';
  if (token === cluster.agentToken) return undefined;
  const hash = createHash('sha256').update(cluster.ca).digest('hex');
  const [, theirs, password = token] = /^K10([0-9a-f]{64})::(?:node|server):(.*)$/.exec(token) ?? [];
  if (theirs !== undefined && theirs !== hash) {
    return `token CA hash does not match the Cluster CA certificate hash: ${theirs} != ${hash}`;
  }
  // A short token does not authenticate the server, and joins nevertheless (docs/facts/k3s.md 2.5).
  if (password === cluster.agentToken.split('::node:')[1]) return undefined;
  return `Failed to validate connection to cluster at ${target}: 401 Unauthorized`;
}

/** The kubelet registers; a machine recreated under an old name is rejected until the old node is deleted. */
async function register(
  run: UnitRun,
  cluster: Cluster,
  role: 'server' | 'agent',
  version: string,
  server?: string,
): Promise<void> {
  const { instance, world } = run;
  if (guestText(instance, PASSWORD) === undefined) writeGuest(instance, PASSWORD, world.token(16), { mode: 0o600 });
  const password = guestText(instance, PASSWORD) ?? '';
  for (;;) {
    const { rejected } = cluster.joinNode({
      name: instance.name,
      address: instance.address,
      role,
      version,
      password,
      server,
    });
    if (rejected === undefined) return;
    run.log(`level=error msg="${rejected}"`);
    await run.sleep(K3S_PASSWORD_RETRY);
  }
}

async function waitForFile(run: UnitRun, path: string): Promise<void> {
  for (let waited = 0; (guestText(run.instance, path) ?? '').trim() === ''; waited += K3S_AGENT_RETRY) {
    if (waited >= K3S_TOKEN_FILE_WAIT) throw fatalError(`timed out waiting for ${path}`);
    run.log(`level=info msg="Waiting for file ${path}"`);
    await run.sleep(K3S_AGENT_RETRY);
  }
}

function fatalError(text: string): UnitExit {
  return new UnitExit(1, `level=fatal msg="Error: ${text}"`);
}

/** Addresses of a node besides its own, in the guest's order: cni0 and flannel.1 (docs/facts/multipass.md 2.6). */
export function nodeAddresses({ world, instance }: Pick<Guest, 'world' | 'instance'>): readonly string[] {
  const runs = ['k3s', 'k3s-agent'].some((name) => instance.units.get(name)?.active === 'active');
  const cluster = clusterOf(world);
  if (!runs || cluster === undefined) return [];
  const cidr = cluster.store.get('nodes', undefined, instance.name)?.spec.podCIDR;
  const network = cidr?.replace(/\.0\/24$/, '');
  return network === undefined ? [] : [`${network}.0`, `${network}.1`];
}
