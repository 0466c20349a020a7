import { createHash } from 'node:crypto';
import { readdir, readFile, readlink, lstat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { BUILTIN_KINDS, istioKinds } from '../../src/rehearsal/cluster/kinds.ts';
import type { Instance, KubeObject, World } from '../../src/rehearsal/world.ts';

const KINDS = [...BUILTIN_KINDS, ...istioKinds('1.30')].map(({ plural }) => plural);

/** Everything in the simulated world that a command could change, as comparable data. */
export function snapshotOf({ engine, cluster, containers }: World): Readonly<Record<string, unknown>> {
  return {
    instances: [...engine.instances.values()].map(instanceSnapshot),
    objects: Object.fromEntries(
      KINDS.map((kind) => [kind, cluster?.has(kind) === true ? objects(cluster.list(kind)) : []]),
    ),
    containers: [...containers],
  };
}

/** Names of all objects in the cluster, e.g. `services sample/helloworld`. */
export function objectNames({ cluster }: World): string[] {
  if (cluster === undefined) return [];
  return KINDS.filter((kind) => cluster.has(kind)).flatMap((kind) =>
    cluster.list(kind).map(({ metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`),
  );
}

function instanceSnapshot({ files, users, units, packages, ...rest }: Instance): unknown {
  return {
    ...rest,
    files: [...files].map(([path, { content, ...entry }]) => [path, { ...entry, content: digest(content) }]),
    users: [...users],
    // Without the journal, which grows by itself.
    units: [...units].map(([name, { enabled, active, since, restarts }]) => [
      name,
      { enabled, active, since, restarts },
    ]),
    packages: [...packages],
  };
}

function objects(list: readonly KubeObject[]): unknown {
  return Object.fromEntries(
    list.map((object) => [`${object.metadata.namespace ?? ''}/${object.metadata.name}`, withoutHeartbeats(object)]),
  );
}

/** Leaves out what kubelets and the API server renew all the time. */
function withoutHeartbeats(object: KubeObject): unknown {
  const renewed = (key: string): boolean =>
    key === 'renewTime' ||
    key === 'lastHeartbeatTime' ||
    (['Lease', 'Node'].includes(object.kind) && ['resourceVersion', 'generation'].includes(key));
  return JSON.parse(JSON.stringify(object, (key, value: unknown) => (renewed(key) ? undefined : value)));
}

/** Every file below a directory: `path` → `mode digest`, without what every run writes. */
export async function filesIn(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const mode = ((await lstat(path)).mode & 0o7777).toString(8).padStart(4, '0');
      const what = entry.isDirectory()
        ? 'directory'
        : entry.isSymbolicLink()
          ? await readlink(path)
          : digest(await readFile(path));
      return [relative(directory, path), `${mode} ${what}`] as const;
    }),
  );
  // Every run writes its logs, its report and its lock.
  const compared = found.filter(([path]) => !/^(\.tmp|\.tmp\/logs.*|\.tmp\/report\.html|\.data)$/.test(path));
  return Object.fromEntries(compared.sort(([a], [b]) => a.localeCompare(b)));
}

function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
