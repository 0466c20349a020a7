import { clusterOf } from '../cluster/kube.ts';
import type { Mesh, World } from '../world.ts';
import { refused } from './answers.ts';
import { certificatesJson } from './certificates.ts';
import { agentSettings } from './agent.ts';
import { createConnections, randomStream } from './connections.ts';
import { resolveOnVm } from './dns.ts';
import { presentedIdentity } from './identity.ts';
import { requestFromPod } from './pod-traffic.ts';
import { createAgents } from './state.ts';
import { requestFromVm } from './vm-traffic.ts';

/** istiod's and Envoy's view of workload VMs, derived only from the state of the world (docs/facts/istio-vm.md). */
export function createMesh(world: World): Mesh {
  const agents = createAgents(world);
  const turns = new Map<string, number>();
  const turn = (key: string, count: number): number => {
    const next = turns.get(key) ?? 0;
    turns.set(key, next + 1);
    return next % count;
  };
  const random = randomStream('envoy');
  const connections = createConnections(random);

  return {
    sidecar: (instance) => {
      const refusal = agents.connect(instance);
      if (refusal !== undefined) return { ready: false, ...refusal };
      const cluster = clusterOf(world);
      const identity = cluster && presentedIdentity(world, cluster, instance, agentSettings(instance));
      return { ready: true, ...(identity !== undefined && { identity }) };
    },
    started: (instance) => agents.started(instance),
    stopped: (instance) => {
      connections.closeOf(instance.name);
      agents.stopped(instance);
    },
    resolve: (instance, name) => resolveOnVm(world, instance, agents.configured(instance), name),
    requestFromVm: (instance, url) =>
      requestFromVm(world, instance, agents.configured(instance), url, { random, connections }),
    requestFromPod: (namespace, deployment, url) => {
      const cluster = clusterOf(world);
      if (cluster === undefined) return refused(url, 80);
      agents.settle();
      const configured = agents.configured.bind(agents);
      return requestFromPod({ world, cluster, configured, turn }, namespace, deployment, url);
    },
    certificates: (instance) => {
      const connection = agents.configured(instance);
      return connection === undefined ? undefined : certificatesJson(instance, connection, world.clock.now());
    },
  };
}
