import type { World } from '../world.ts';
import { createAccess } from './access.ts';
import { installAddons } from './addons.ts';
import { deployments } from './deployments.ts';
import { garbage } from './garbage.ts';
import { istiod } from './istiod.ts';
import { createLoop, type Controller, type SimulatedCluster } from './kube.ts';
import { renewLeases } from './leases.ts';
import { namespaces } from './namespaces.ts';
import { joinNode, nodeDown, nodes } from './nodes.ts';
import { pods } from './pods.ts';
import { scheduling } from './scheduling.ts';
import { serviceLb } from './servicelb.ts';
import { services } from './services.ts';
import { createStore, type Store } from './store.ts';

export type { SimulatedCluster } from './kube.ts';

const CONTROLLERS: readonly Controller[] = [
  nodes,
  namespaces,
  services,
  serviceLb,
  deployments,
  scheduling,
  pods,
  istiod,
  garbage,
];

export interface ClusterOptions {
  /** Instance name of the k3s server. */
  readonly server: string;
  readonly address: string;
  /** k3s version, e.g. `v1.28.15+k3s1`. */
  readonly version: string;
}

/**
 * Creates a Kubernetes cluster as k3s does at the server's first start: new CA, new token, its add-ons, no node yet.
 * The caller puts it into `world.cluster` and joins the server's own node.
 */
export function createCluster(world: World, { server, version }: ClusterOptions): SimulatedCluster {
  const uid = (): string => world.token(16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const inner = createStore({ now: () => world.clock.now(), uid });
  const access = createAccess(world.token(16), agentPassword(world, server));
  const settlers: (() => void)[] = [];

  const ready = (): boolean => {
    const instance = world.engine.instances.get(server);
    return world.cluster === cluster && instance?.state === 'Running' && instance.units.get('k3s')?.active === 'active';
  };
  const loop = createLoop(
    {
      world,
      store: inner,
      server,
      version,
      nodes: new Map(),
      passwords: new Map(),
      times: new Map(),
      pulled: new Set(),
      uid,
      answersSince: () => world.engine.instances.get(server)?.units.get('k3s')?.changed ?? 0,
    },
    CONTROLLERS,
    ready,
  );
  inner.onChange(loop.kube.touch);

  let settling = false;
  /** Applies pending lazy changes; the reads it does itself do not start it again. */
  const settle = (): void => {
    if (settling) return;
    settling = true;
    try {
      loop.catchUp();
      if (ready()) renewLeases(loop.kube);
      for (const step of settlers) step();
    } finally {
      settling = false;
    }
  };
  const store: Store = {
    ...inner,
    get: (...where) => (settle(), inner.get(...where)),
    list: (plural) => (settle(), inner.list(plural)),
  };

  const cluster: SimulatedCluster = {
    server,
    version,
    store,
    ca: access.ca,
    agentToken: access.agentToken,
    clientCertificate: access.clientCertificate,
    kubeconfig: access.kubeconfig,
    sign: access.sign,
    proxies: new Map(),
    ready: () => {
      const answers = ready();
      if (answers) settle();
      return answers;
    },
    joinNode: (node) => joinNode(loop.kube, node),
    nodeDown: (name) => nodeDown(loop.kube, name),
    get: (kind, namespace, name) => store.get(kind, namespace, name),
    list: (kind) => [...store.list(kind)],
    has: (kind) => inner.kind(kind) !== undefined,
    beforeRead: (step) => void settlers.push(step),
  };
  installAddons(world, inner, server);
  return cluster;
}

/** The password in the server's own agent-token file, or a random one. */
function agentPassword(world: World, server: string): string {
  const content = world.engine.instances.get(server)?.files.get('/etc/rancher/k3s/agent-token')?.content;
  if (content === undefined) return world.token(16);
  return (typeof content === 'string' ? content : new TextDecoder().decode(content)).trim();
}
