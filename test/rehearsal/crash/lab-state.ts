import { parse } from 'yaml';
import { agentDigest } from '../../../src/guest/k3s.ts';
import { clusterOf, type SimulatedCluster } from '../../../src/rehearsal/cluster/kube.ts';
import { meshRoot } from '../../../src/rehearsal/cluster/istiod.ts';
import { readToken } from '../../../src/rehearsal/cluster/tokens.ts';
import type { Rehearsal } from '../../../src/rehearsal/index.ts';
import { authorityOf } from '../../../src/kube/kubeconfig.ts';
import type { Instance, KubeObject } from '../../../src/rehearsal/world.ts';

/** The simulated world as text per object, without what differs between two good runs: uids, times, tokens, addresses. */
export type LabState = ReadonlyMap<string, string>;

export function labState(rehearsal: Rehearsal): LabState {
  const { world, files } = rehearsal;
  const cluster = clusterOf(world);
  const normalize = normalizer(rehearsal, cluster);
  const entries = new Map<string, string>();
  for (const [path, node] of files.nodes) {
    // Temporary files differ; `left-behind.ts` checks that none of them is left.
    if (path.startsWith('/home/u/lab/.tmp/')) continue;
    const content = node.kind === 'file' ? asText(path, node.content) : node.kind === 'link' ? `-> ${node.target}` : '';
    entries.set(
      `host ${path}`,
      `${node.kind} ${node.kind === 'link' ? '' : node.mode.toString(8)} ${normalize(content)}`,
    );
  }
  for (const instance of world.engine.instances.values()) addMachine(entries, instance, normalize);
  for (const [name, image] of world.containers) entries.set(`container ${name}`, image);
  if (cluster !== undefined) addObjects(entries, cluster, normalize);
  return entries;
}

/** One line per difference, with the text of both sides around its start. */
export function compare(is: LabState, should: LabState): readonly string[] {
  const keys = [...new Set([...is.keys(), ...should.keys()])].sort();
  return keys.flatMap((key) => {
    const [a, b] = [is.get(key), should.get(key)];
    if (a === b) return [];
    if (b === undefined) return [`${key}: should not be there (${a?.slice(0, 200) ?? ''})`];
    if (a === undefined) return [`${key}: is missing`];
    let at = 0;
    while (a[at] === b[at]) at++;
    const from = Math.max(0, at - 40);
    return [`${key}: is …${a.slice(from, at + 80)}… should be …${b.slice(from, at + 80)}…`];
  });
}

type Normalize = (text: string) => string;

function addMachine(entries: Map<string, string>, instance: Instance, normalize: Normalize): void {
  const { name, release, cpus, memory, disk, cpu, state, addressKnown, manageHosts, cloudInit, rules } = instance;
  const facts = { release, cpus, memory, disk, cpu, state, addressKnown, manageHosts, cloudInit, rules };
  entries.set(
    `machine ${name}`,
    JSON.stringify({ ...facts, users: [...instance.users].sort(), packages: [...instance.packages].sort() }),
  );
  for (const [unit, { enabled, active }] of instance.units)
    entries.set(`machine ${name} unit ${unit}`, `${String(enabled)} ${active}`);
  for (const [path, { content, mode, owner, group, link }] of instance.files) {
    const text = RANDOM_FILES.some((pattern) => pattern.test(path)) ? '<random>' : normalize(asText(path, content));
    // Both the bootstrap and the agent write this public file, in different forms.
    const isRoot = path === '/etc/certs/root-cert.pem';
    const what = isRoot
      ? `a mode ${owner}:${group} ${text.trimEnd()}`
      : `${mode.toString(8)} ${owner}:${group} ${link ?? ''} ${text}`;
    entries.set(`machine ${name} ${path}`, what);
  }
}

/** Files on a guest whose content is random, or a digest of random content. */
const RANDOM_FILES = [
  /^\/var\/lib\/istio-vms\/started\./,
  /root-cert\.sha256$/,
  /^\/etc\/certs\/(cert-chain|key)\.pem$/,
  /^\/etc\/rancher\/node\/password$/,
];

function addObjects(entries: Map<string, string>, cluster: SimulatedCluster, normalize: Normalize): void {
  const owners = new Map<string, string>();
  const all = cluster.store
    .kinds()
    .flatMap(({ plural }) => cluster.store.list(plural).map((object) => ({ plural, object })));
  for (const { object } of all)
    owners.set(
      object.metadata.uid ?? '',
      normalize(`${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`),
    );
  for (const { plural, object } of all) {
    const text = JSON.stringify(withoutVolatile(JSON.parse(normalize(JSON.stringify(object))) as KubeObject, owners));
    // Names of pods are random, so that only their number and content are compared.
    const name = plural === 'pods' ? text : normalize(object.metadata.name);
    let key = `object ${plural} ${object.metadata.namespace ?? ''}/${name}`;
    while (entries.has(key)) key = `${key} again`;
    entries.set(key, text);
  }
}

const VOLATILE = new Set([
  'uid',
  'creationTimestamp',
  'resourceVersion',
  'generation',
  'observedGeneration',
  'lastTransitionTime',
  'lastProbeTime',
  'lastUpdateTime',
  'startedAt',
  'podIP',
  'hostIP',
  'podCIDR',
  'nodeName',
  'clusterIP',
  'clusterIPs',
  'nodePort',
  'restartCount',
  'startTime',
  'istio.io/connectedAt',
  'istio.io/disconnectedAt',
  'kubectl.kubernetes.io/restartedAt',
  'pod-template-hash',
]);

function withoutVolatile(object: KubeObject, owners: ReadonlyMap<string, string>): unknown {
  const walk = (value: unknown, key = ''): unknown => {
    if (Array.isArray(value)) {
      const items = value.map((item) => walk(item, key));
      return key === 'ingress' || key === 'ips' ? items.map((item) => JSON.stringify(item)).sort() : items;
    }
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => !VOLATILE.has(name))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, inner]) => [name, name === 'ownerReferences' ? ownersOf(inner, owners) : walk(inner, name)]),
    );
  };
  const copy = walk(object) as { metadata: { name?: string } };
  if (object.kind === 'Pod') delete copy.metadata.name;
  return copy;
}

function ownersOf(references: unknown, owners: ReadonlyMap<string, string>): unknown {
  return (references as { uid?: string }[]).map(({ uid }) => owners.get(uid ?? '') ?? 'an owner that is gone');
}

/** Replaces values that are valid in this world by their names; invalid ones stay and show up as differences. */
function normalizer({ world }: Rehearsal, cluster: SimulatedCluster | undefined): Normalize {
  const secrets: [string, string][] = [];
  const known = (value: string | undefined, name: string): void => {
    if (value === undefined || value === '') return;
    for (const form of new Set([
      value,
      value.trim(),
      JSON.stringify(value).slice(1, -1),
      JSON.stringify(value.trim()).slice(1, -1),
    ]))
      secrets.push([form, `<${name}>`]);
  };
  if (cluster !== undefined) {
    known(cluster.ca, 'ca');
    known(cluster.agentToken, 'agent token');
    known(cluster.agentToken.split('::node:')[1], 'agent password');
    known(meshRoot(cluster.store), 'mesh root');
    const config = parse(cluster.kubeconfig()) as {
      clusters: { cluster: Record<string, string> }[];
      users: { user: Record<string, string> }[];
    };
    for (const [key, value] of [
      ...Object.entries(config.clusters[0]?.cluster ?? {}),
      ...Object.entries(config.users[0]?.user ?? {}),
    ]) {
      if (key.endsWith('-data')) known(value, key);
    }
    // An annotation of each worker's Node: depends on both addresses and the CA, which differ between two good runs.
    const authority = authorityOf(cluster.kubeconfig()) ?? '';
    const serverAddress = world.engine.instances.get('k3s-master')?.address;
    for (const { name, address } of world.engine.instances.values()) {
      if (serverAddress === undefined) continue;
      known(agentDigest({ shipped: world.shipped, address, serverAddress }, authority), `agent config of ${name}`);
    }
  }
  secrets.sort(([a], [b]) => b.length - a.length);
  const addresses = new Map([...world.engine.instances.values()].map(({ address, name }) => [address, `<${name}>`]));
  return (text) => {
    let result = text;
    for (const [value, name] of secrets) result = result.replaceAll(value, name);
    return result
      .replace(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, (token) =>
        cluster !== undefined && readToken(cluster, token) !== undefined ? '<token>' : 'a token of another cluster',
      )
      .replace(/\b(?:192\.168\.64|10\.158\.7)\.\d+/g, (address) => addresses.get(address) ?? address)
      .replace(/\b10\.42\.\d+\.\d+/g, '<pod>')
      .replace(/\b(svclb-[a-z-]+)-[0-9a-f]{8}\b/g, '$1')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>');
  };
}

function asText(path: string, content: string | Uint8Array): string {
  const text = typeof content === 'string' ? content : Buffer.from(content).toString('utf8');
  if (!path.endsWith('machines.json')) return text;
  // Sorted, because the record has the order in which launches began.
  const record = JSON.parse(text) as { machines: Record<string, unknown> };
  return JSON.stringify({
    ...record,
    machines: Object.fromEntries(Object.entries(record.machines).sort(([a], [b]) => (a < b ? -1 : 1))),
  });
}
