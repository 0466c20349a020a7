import { parse } from 'yaml';
import { CONTROLLER } from '../durations.ts';
import type { Cluster, KubeObject, World } from '../world.ts';
import type { Deployment, NodeObject, Pod, Service } from './shapes.ts';
import type { Store } from './store.ts';

/** What the cluster knows of a node besides its API object. */
export interface NodeFacts {
  readonly name: string;
  address: string;
  readonly role: 'server' | 'agent';
  readonly version: string;
  /** Third part of the node's pod network. */
  readonly index: number;
  /** World time from which the node is Ready. */
  readyAt: number;
  /** World time at which its kubelet started; it reports then, and at regular intervals after. */
  readonly startedAt: number;
  /** World time at which its kubelet last renewed its Lease. */
  renewedAt: number;
  /** The boot id of its machine when its kubelet started. */
  readonly bootId: string | undefined;
  /** The server address in the agent's configuration; undefined on the server itself. */
  readonly server?: string | undefined;
  /** World time from which its kubelet is silent. */
  silentFrom?: number;
}

/** What the controllers share: the store, the nodes, and a way to be run again. */
export interface Kube {
  readonly world: World;
  readonly store: Store;
  readonly server: string;
  readonly version: string;
  readonly nodes: Map<string, NodeFacts>;
  /** Node passwords in kube-system: the real cluster stores hashes, this one the passwords themselves. */
  readonly passwords: Map<string, string>;
  /** World times that are not stored in any object, by `what uid`. */
  readonly times: Map<string, number>;
  /** `node image` pairs that are on disk. */
  readonly pulled: Set<string>;
  readonly uid: () => string;
  /** World time since which the API server has answered without interruption. */
  readonly answersSince: () => number;
  /** Runs the controllers soon. */
  readonly touch: () => void;
  /** Runs the controllers at a world time. */
  readonly wakeAt: (time: number) => void;
}

/** A controller reconciles all objects; it is called again until nothing changes. */
export type Controller = (kube: Kube) => void;

/** A cluster with what the simulated tools and istiod see of it, which is more than a guest sees. */
export interface SimulatedCluster extends Cluster {
  readonly version: string;
  readonly store: Store;
  /** Client certificate of the administrator, as the kubeconfig carries it (base64). */
  readonly clientCertificate: string;
  /** Signs what only this cluster can sign: service account tokens, workload certificates. */
  sign(text: string): string;
  /** Proxies connected to istiod that are no pods, by `<name>.<namespace>`; written by the mesh. */
  readonly proxies: Map<string, { readonly cluster: string; readonly revision: string }>;
  /** Registers a function to call before objects are read, so that lazy changes can be applied first. */
  beforeRead(settle: () => void): void;
}

/** Every cluster of a world comes from `createCluster`, so the cast is safe; it is made only here. */
export function clusterOf(world: World): SimulatedCluster | undefined {
  return world.cluster as SimulatedCluster | undefined;
}

export const nodeObjects = (store: Store): readonly NodeObject[] => store.list('nodes');
export const podObjects = (store: Store): readonly Pod[] => store.list('pods');
export const serviceObjects = (store: Store): readonly Service[] => store.list('services');
export const deploymentObjects = (store: Store): readonly Deployment[] => store.list('deployments.apps');

/** Time as Kubernetes writes it. */
export const stamp = (time: number): string => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');

/** World time of an object's creation. */
export const createdAt = (object: KubeObject): number => Date.parse(object.metadata.creationTimestamp ?? '') || 0;

/** A time that is fixed when it is first requested. */
export function once(kube: Kube, what: string, make: () => number): number {
  let time = kube.times.get(what);
  if (time === undefined) {
    time = make();
    kube.times.set(what, time);
  }
  return time;
}

const parsedConfigs = new Map<string, Readonly<Record<string, unknown>>>();

/** The k3s configuration on a machine, or an empty one. */
export function k3sConfig(world: World, node: string): Readonly<Record<string, unknown>> {
  const entry = world.engine.instances.get(node)?.files.get('/etc/rancher/k3s/config.yaml');
  if (entry === undefined) return {};
  const text = typeof entry.content === 'string' ? entry.content : new TextDecoder().decode(entry.content);
  let config = parsedConfigs.get(text);
  if (config === undefined) parsedConfigs.set(text, (config = (parse(text) ?? {}) as Record<string, unknown>));
  return config;
}

/** A list in the k3s configuration: a YAML list or comma-separated text. */
export function k3sList(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  const items: unknown[] = Array.isArray(value) ? value : [value];
  return items.flatMap((item) => String(item).split(',')).filter((item) => item !== '');
}

/** Runs controllers until nothing changes, each time shortly after a change. */
export function createLoop(
  kube: Omit<Kube, 'touch' | 'wakeAt'>,
  controllers: readonly Controller[],
  awake: () => boolean,
) {
  let queued = false;
  let missed = false;
  const wakes = new Set<number>();
  const { clock } = kube.world;
  const run = (): void => {
    queued = false;
    missed = !awake();
    if (!missed) for (const controller of controllers) controller(full);
  };
  const touch = (): void => {
    if (queued) return;
    queued = true;
    clock.after(CONTROLLER, run);
  };
  const full: Kube = {
    ...kube,
    touch,
    wakeAt: (time) => {
      if (time <= clock.now()) touch();
      if (time <= clock.now() || wakes.has(time)) return;
      wakes.add(time);
      clock.after(time - clock.now(), () => {
        wakes.delete(time);
        touch();
      });
    },
  };
  return {
    kube: full,
    /** Runs the controllers at once if a run was missed while the API server was away. */
    catchUp: (): void => {
      if (missed && awake()) run();
    },
  };
}
