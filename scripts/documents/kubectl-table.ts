import type { Deployment, NodeObject, Pod, Service } from '../../src/rehearsal/cluster/shapes.ts';
import { isReady } from '../../src/rehearsal/cluster/shapes.ts';
import type { KubeObject } from '../../src/rehearsal/world.ts';

type Columns = readonly (readonly [string, (object: KubeObject, age: string) => string])[];

const NAME = ['NAME', ({ metadata }: KubeObject) => metadata.name] as const;
const AGE = ['AGE', (_object: KubeObject, age: string) => age] as const;

const COLUMNS: Readonly<Record<string, Columns>> = {
  Node: [
    NAME,
    ['STATUS', (object) => (isReady(object as NodeObject) ? 'Ready' : 'NotReady')],
    ['ROLES', roles],
    AGE,
    ['VERSION', (object) => (object as NodeObject).status.nodeInfo['kubeletVersion'] ?? ''],
  ],
  Service: [
    NAME,
    ['TYPE', (object) => (object as Service).spec.type ?? 'ClusterIP'],
    ['CLUSTER-IP', (object) => (object as Service).spec.clusterIP ?? '<none>'],
    ['EXTERNAL-IP', externalAddresses],
    ['PORT(S)', ports],
    AGE,
  ],
  Pod: [
    NAME,
    ['READY', readyContainers],
    ['STATUS', (object) => (object as Pod).status.phase],
    ['RESTARTS', () => '0'],
    AGE,
  ],
  Deployment: [
    NAME,
    [
      'READY',
      (object) => `${(object as Deployment).status?.readyReplicas ?? 0}/${(object as Deployment).spec.replicas ?? 1}`,
    ],
    AGE,
  ],
  WorkloadEntry: [NAME, AGE, ['ADDRESS', (object) => (object['spec'] as { address?: string }).address ?? '']],
  WorkloadGroup: [NAME, AGE],
};

/** Objects of one kind as `kubectl get` prints them: each column is as wide as its widest cell plus three blanks. */
export function kubectlTable(objects: readonly KubeObject[], now: number): string {
  const columns = COLUMNS[objects[0]?.kind ?? ''] ?? [NAME, AGE];
  const rows = objects
    .toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name))
    .map((object) => columns.map(([, cell]) => cell(object, age(object, now))));
  const lines = [columns.map(([head]) => head), ...rows];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? '').length)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, index) => cell.padEnd(widths[index] ?? 0))
          .join('   ')
          .trimEnd()}\n`,
    )
    .join('');
}

function age({ metadata }: KubeObject, now: number): string {
  const seconds = Math.floor((now - Date.parse(metadata.creationTimestamp ?? '')) / 1000);
  const minutes = Math.floor(seconds / 60);
  return seconds < 120 ? `${seconds}s` : minutes < 10 ? `${minutes}m${seconds % 60}s` : `${minutes}m`;
}

function roles({ metadata }: KubeObject): string {
  const found = Object.keys(metadata.labels ?? {}).flatMap(
    (label) => /^node-role\.kubernetes\.io\/(.+)$/.exec(label)?.[1] ?? [],
  );
  return found.length === 0 ? '<none>' : found.join(',');
}

function externalAddresses(object: KubeObject): string {
  const { spec, status } = object as Service;
  if (spec.type !== 'LoadBalancer') return '<none>';
  return status?.loadBalancer.ingress?.map(({ ip, hostname }) => ip ?? hostname ?? '').join(',') ?? '<pending>';
}

function ports(object: KubeObject): string {
  return ((object as Service).spec.ports ?? [])
    .map(({ port, nodePort, protocol = 'TCP' }) => `${port}${nodePort === undefined ? '' : `:${nodePort}`}/${protocol}`)
    .join(',');
}

function readyContainers(object: KubeObject): string {
  const { containerStatuses = [] } = (object as Pod).status;
  return `${containerStatuses.filter(({ ready }) => ready).length}/${(object as Pod).spec.containers.length}`;
}
