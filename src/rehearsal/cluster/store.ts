import type { KubeObject } from '../world.ts';
import { ApiError, fromServer } from './api-error.ts';
import { BUILTIN_KINDS, preferredApiVersion, splitApiVersion, type KindInfo } from './kinds.ts';
import { copyOf, mergeApplied, same } from './merge.ts';
import { isTerminating, type ObjectOf } from './shapes.ts';

/**
 * The API server's memory: objects by kind, namespace and name. What `get` and `list` return is shared, for speed:
 * objects are replaced and never changed in place, and readers must not change them either (`edit` makes a copy).
 */
export interface Store {
  /** Server-side apply by `manager`. @throws ApiError in kubectl's words */
  apply(object: KubeObject, manager: string): KubeObject;
  /** Writes a whole object for a controller, which must not change it later. An equal object is not written. */
  put(object: KubeObject): KubeObject;
  /** Changes a copy and stores it if it differs; does nothing when the object is not found. */
  edit<P extends string>(
    plural: P,
    namespace: string | undefined,
    name: string,
    change: (object: ObjectOf<P>) => void,
  ): void;
  /** Removes one object at once, without its dependents (the garbage collector follows its owner references). */
  remove(plural: string, namespace: string | undefined, name: string): void;
  get<P extends string>(plural: P, namespace: string | undefined, name: string): ObjectOf<P> | undefined;
  list<P extends string>(plural: P): readonly ObjectOf<P>[];
  /** The kind for a name that kubectl accepts: plural, qualified plural, lower-case kind, or short name. */
  kind(name: string): KindInfo | undefined;
  /** The kind that serves this apiVersion and kind. */
  serving(apiVersion: string, kind: string): KindInfo | undefined;
  /** All kinds that are served. */
  kinds(): readonly KindInfo[];
  /** Serves additional kinds (custom resource definitions). */
  serve(kinds: readonly KindInfo[]): void;
  /** Called after every change. */
  onChange(listener: () => void): void;
}

export interface StoreOptions {
  readonly now: () => number;
  readonly uid: () => string;
}

/** Kinds for which the API server keeps no generation. */
const WITHOUT_GENERATION = new Set(['nodes', 'leases.coordination.k8s.io', 'services', 'namespaces']);

/** Creates an empty API server that serves the same kinds as k3s. */
export function createStore({ now, uid }: StoreOptions): Store {
  const kinds = new Map<string, KindInfo>(BUILTIN_KINDS.map((info) => [info.plural, info]));
  const objects = new Map<string, Map<string, KubeObject>>();
  const applied = new Map<string, Record<string, unknown>>();
  const listeners: (() => void)[] = [];
  let version = 0;

  const sorted = new Map<string, KubeObject[]>();
  const changed = (plural: string): void => {
    sorted.delete(plural);
    for (const listener of listeners) listener();
  };

  /** Objects have the type of the kind under which they are stored, so the casts here and in `list` are safe. */
  const objectsOf = <P extends string>(plural: P): Map<string, ObjectOf<P>> => {
    let map = objects.get(plural);
    if (map === undefined) objects.set(plural, (map = new Map<string, KubeObject>()));
    return map as Map<string, ObjectOf<P>>;
  };
  const key = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`;

  const serving = (apiVersion: string, name: string): KindInfo | undefined => {
    const { group, version: served } = splitApiVersion(apiVersion);
    return [...kinds.values()].find(
      (info) => info.group === group && info.kind === name && info.versions.includes(served),
    );
  };

  const save = (info: KindInfo, object: KubeObject): KubeObject => {
    const at = key(object.metadata.namespace, object.metadata.name);
    const current = objectsOf(info.plural).get(at);
    const next: KubeObject = { ...object, apiVersion: preferredApiVersion(info), metadata: { ...object.metadata } };
    const { metadata } = next;
    const old = current?.metadata;
    metadata.uid = old?.uid ?? metadata.uid ?? uid();
    metadata.creationTimestamp = old?.creationTimestamp ?? new Date(now()).toISOString().replace(/\.\d+Z$/, 'Z');
    if (old?.resourceVersion !== undefined) metadata.resourceVersion = old.resourceVersion;
    if (old?.generation !== undefined) metadata.generation = old.generation;
    if (current !== undefined && same(current, next)) return current;
    metadata.resourceVersion = String(++version);
    if ('spec' in next && !WITHOUT_GENERATION.has(info.plural) && !same(current?.['spec'], next['spec']))
      metadata.generation = (old?.generation ?? 0) + 1;
    objectsOf(info.plural).set(at, next);
    changed(info.plural);
    return next;
  };

  const infoOf = (object: KubeObject): KindInfo => {
    const info = serving(object.apiVersion, object.kind);
    if (info !== undefined) return info;
    const { group, version: asked } = splitApiVersion(object.apiVersion);
    throw new ApiError(
      `error: resource mapping not found for name: "${object.metadata.name}" namespace: "${object.metadata.namespace ?? ''}" ` +
        `from "STDIN": no matches for kind "${object.kind}" in version "${group === '' ? asked : object.apiVersion}"\n` +
        'ensure CRDs are installed first',
    );
  };

  const checkNamespace = (info: KindInfo, object: KubeObject): void => {
    const { namespace, name } = object.metadata;
    if (!info.namespaced || namespace === undefined) return;
    const home = objectsOf('namespaces').get(key(undefined, namespace));
    if (home === undefined) throw fromServer('NotFound', `namespaces "${namespace}" not found`);
    if (isTerminating(home) && !objectsOf(info.plural).has(key(namespace, name))) {
      throw fromServer(
        'Forbidden',
        `${info.plural} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
      );
    }
  };

  return {
    apply: (object, manager) => {
      checkName(object);
      const info = infoOf(object);
      const wanted = copyOf(object);
      if (info.namespaced) wanted.metadata.namespace ??= 'default';
      else delete wanted.metadata.namespace;
      checkNamespace(info, wanted);
      const at = key(wanted.metadata.namespace, wanted.metadata.name);
      const current = objectsOf(info.plural).get(at);
      const memory = `${manager} ${info.plural} ${current?.metadata.uid ?? ''} ${at}`;
      const merged = current === undefined ? wanted : mergeApplied(current, applied.get(memory), wanted);
      if (current !== undefined) checkImmutable(info, current, merged as unknown as KubeObject);
      const saved = save(info, merged as unknown as KubeObject);
      applied.set(`${manager} ${info.plural} ${saved.metadata.uid ?? ''} ${at}`, copyOf(wanted));
      return saved;
    },
    put: (object) => save(infoOf(object), object),
    edit: (plural, namespace, name, change) => {
      const current = objectsOf(plural).get(key(namespace, name));
      if (current === undefined) return;
      const copy = copyOf(current);
      change(copy);
      save(kinds.get(plural) as KindInfo, copy);
    },
    remove: (plural, namespace, name) => {
      if (objectsOf(plural).delete(key(namespace, name))) changed(plural);
    },
    get: (plural, namespace, name) => objectsOf(plural).get(key(namespace, name)),
    list: <P extends string>(plural: P) => {
      let all = sorted.get(plural);
      if (all === undefined) {
        all = [...objectsOf(plural)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
        sorted.set(plural, all);
      }
      return all as ObjectOf<P>[];
    },
    kind: (name) =>
      [...kinds.values()].find(
        (info) =>
          info.plural === name ||
          info.plural.split('.')[0] === name ||
          info.kind.toLowerCase() === name ||
          `${info.kind.toLowerCase()}.${info.group}` === name ||
          info.short.includes(name),
      ),
    serving,
    kinds: () => [...kinds.values()],
    serve: (more) => {
      for (const info of more) kinds.set(info.plural, info);
    },
    onChange: (listener) => void listeners.push(listener),
  };
}

/** The selector of a workload is immutable; changing it needs a new object (docs/facts/real-mesh.md 6.11). */
function checkImmutable({ plural, kind, group }: KindInfo, current: KubeObject, next: KubeObject): void {
  if (group !== 'apps') return;
  const selectorOf = ({ spec }: KubeObject): unknown =>
    typeof spec === 'object' && spec !== null && 'selector' in spec ? spec.selector : undefined;
  if (same(selectorOf(current), selectorOf(next))) return;
  const value = JSON.stringify(selectorOf(next));
  throw new ApiError(
    `The ${kind} "${next.metadata.name}" is invalid: spec.selector: Invalid value: ${value}: field is immutable`,
    `${kind}.${plural.split('.').slice(1).join('.')} "${next.metadata.name}" is invalid: spec.selector: Invalid value: ${value}: field is immutable`,
  );
}

/** RFC 1123: the API server accepts no other names (dots only for kinds that need them). */
function checkName(object: KubeObject): void {
  // Objects are parsed from documents, which may lack what the type promises.
  const name: unknown = (object as Partial<KubeObject>).metadata?.name;
  if (typeof name !== 'string' || name === '') throw new ApiError('error: resource name may not be empty');
  if (/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name) && name.length <= 253) return;
  throw new ApiError(
    `The ${object.kind} "${name}" is invalid: metadata.name: Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of ` +
      "lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  );
}
