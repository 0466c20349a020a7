import { clusterOf } from '../cluster/kube.ts';
import type { Mesh, World } from '../world.ts';
import { http, refused, targetOf } from './answers.ts';
import { certificatesJson } from './certificates.ts';
import { resolveOnVm } from './dns.ts';
import { requestFromPod } from './pod-traffic.ts';
import { createAgents } from './state.ts';
import { requestFromVm } from './vm-traffic.ts';

const ENVOY_ADMIN = 15_000;
const ENVOY_READY = 15_021;

/** istiod's and Envoy's view of workload VMs, decided by nothing but what is in the world (facts/istio-vm.md). */
export function createMesh(world: World): Mesh {
  const agents = createAgents(world);
  const turns = new Map<string, number>();
  const turn = (key: string, count: number): number => {
    const next = turns.get(key) ?? 0;
    turns.set(key, next + 1);
    return next % count;
  };

  return {
    sidecar: (instance) => {
      const refusal = agents.connect(instance);
      return refusal === undefined ? { ready: true } : { ready: false, ...refusal };
    },
    started: (instance) => agents.started(instance),
    stopped: (instance) => agents.stopped(instance),
    resolve: (instance, name) => resolveOnVm(world, instance, agents.configured(instance), name),
    requestFromVm: (instance, url) => {
      const connection = agents.configured(instance);
      const target = targetOf(url);
      if (target !== undefined && (target.host === 'localhost' || target.host === '127.0.0.1')) {
        const runs = instance.rules && instance.units.get('istio')?.active !== 'inactive';
        if (target.port === ENVOY_READY && target.path === '/healthz/ready') {
          if (!runs) return refused(target.host, target.port);
          return connection === undefined ? http(503, '') : http(200, '');
        }
        if (target.port === ENVOY_ADMIN) {
          if (connection === undefined) return refused(target.host, target.port);
          return target.path === '/certs' ? http(200, certificatesJson(instance, connection, world.clock.now())) : http(404, 'invalid path.');
        }
      }
      return requestFromVm(world, instance, connection, url, turn);
    },
    requestFromPod: (namespace, deployment, url) => {
      const cluster = clusterOf(world);
      if (cluster === undefined) return refused(url, 80);
      agents.settle();
      return requestFromPod({ world, cluster, configured: (instance) => agents.configured(instance), turn }, namespace, deployment, url);
    },
    certificates: (instance) => {
      const connection = agents.configured(instance);
      return connection === undefined ? undefined : certificatesJson(instance, connection, world.clock.now());
    },
  };
}
