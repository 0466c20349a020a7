import { LOAD_BALANCER_LATE, LOAD_BALANCER_STATUS } from '../durations.ts';
import type { KubeObject } from '../world.ts';
import { suffix } from './deployments.ts';
import {
  k3sConfig,
  k3sList,
  nodeObjects,
  once,
  podObjects,
  serviceObjects,
  type Controller,
  type Kube,
} from './kube.ts';
import { same } from './merge.ts';
import { endPod, newPod } from './pods.ts';
import { PINNED } from './scheduling.ts';
import { isFaultOn, isFaultActive } from '../fault-state.ts';
import {
  isReady,
  ownerOf,
  type NodeObject,
  type Pod,
  type PodTemplate,
  type Service,
  type Toleration,
} from './shapes.ts';

/** The hostname that a foreign load balancer sets, with the fault `load-balancer-hostname`. */
const FOREIGN_BALANCER = 'gateway-1234.elb.example.com';
const FOREIGN_STAYS = 5_000;
const ENABLE = 'svccontroller.k3s.cattle.io/enablelb';
const TOLERATIONS: Toleration[] = [
  { key: 'node-role.kubernetes.io/master', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'CriticalAddonsOnly', operator: 'Exists' },
];

/**
 * klipper: one DaemonSet with host ports for each LoadBalancer Service; its nodes' addresses become the status
 * (docs/facts/k3s.md 4).
 */
export const serviceLb: Controller = (kube) => {
  const balanced = serviceObjects(kube.store).filter(({ spec }) => spec.type === 'LoadBalancer');
  const off = k3sList(k3sConfig(kube.world, kube.server)['disable']).includes('servicelb');
  const names = new Set<string>();
  for (const service of off ? [] : balanced) {
    names.add(daemonName(service));
    const daemon = kube.store.put(daemonSet(service));
    const pods = podObjects(kube.store).filter((pod) => ownerOf(pod) === daemon.metadata.uid);
    placePods(kube, service, daemon, pods);
    writeAddresses(kube, service, pods);
  }
  for (const daemon of kube.store.list('daemonsets.apps')) {
    const { name, namespace } = daemon.metadata;
    if (name.startsWith('svclb-') && !names.has(name)) kube.store.remove('daemonsets.apps', namespace, name);
  }
};

function placePods(kube: Kube, service: Service, daemon: KubeObject, pods: readonly Pod[]): void {
  const template = podTemplate(service);
  const chosen = balancingNodes(nodeObjects(kube.store));
  for (const pod of pods) {
    const node = pod.metadata.annotations?.[PINNED];
    const right =
      same(pod.spec.containers, template.spec.containers) && chosen.some(({ metadata }) => metadata.name === node);
    if (!right && !('deletionTimestamp' in pod.metadata)) endPod(kube, pod);
  }
  for (const node of chosen) {
    const name = node.metadata.name;
    if (pods.some((pod) => pod.metadata.annotations?.[PINNED] === name)) continue;
    const pinned = { ...template, metadata: { ...template.metadata, annotations: { [PINNED]: name } } };
    const owner = { kind: 'DaemonSet', name: daemon.metadata.name, uid: daemon.metadata.uid ?? '' };
    newPod(kube, pinned, 'kube-system', `${daemon.metadata.name}-${suffix(kube)}`, owner);
  }
}

/** All nodes; once any node has the label, only those where it is `true`. */
function balancingNodes(nodes: readonly NodeObject[]): readonly NodeObject[] {
  if (!nodes.some(({ metadata }) => metadata.labels?.[ENABLE] !== undefined)) return nodes;
  return nodes.filter(({ metadata }) => metadata.labels?.[ENABLE] === 'true');
}

/**
 * Writes the addresses of nodes whose svclb pod is ready, sorted as strings. A changed set is written after a delay.
 */
function writeAddresses(kube: Kube, service: Service, pods: readonly Pod[]): void {
  const addresses = pods
    .filter((pod) => isReady(pod) && !('deletionTimestamp' in pod.metadata))
    .map((pod) => pod.status.hostIP ?? '')
    .sort();
  const now = kube.world.clock.now();
  const due = once(kube, `lb ${service.metadata.uid ?? ''} ${addresses.join()}`, () =>
    isFaultActive(kube.world, 'load-balancer-late') ? now + LOAD_BALANCER_LATE : now + LOAD_BALANCER_STATUS,
  );
  if (now < due) {
    kube.wakeAt(due);
    return;
  }
  const vip = Number(/^v1\.(\d+)/.exec(kube.version)?.[1] ?? 0) >= 30;
  kube.store.edit('services', service.metadata.namespace, service.metadata.name, (copy) => {
    const named = addresses.length > 0 && isFaultOn(kube.world, 'load-balancer-hostname');
    const ingress = named
      ? [{ hostname: FOREIGN_BALANCER }]
      : addresses.map((ip) => (vip ? { ip, ipMode: 'VIP' } : { ip }));
    copy.status = { loadBalancer: ingress.length === 0 ? {} : { ingress } };
    // The foreign load balancer may be removed at any time.
    if (named) kube.wakeAt(now + FOREIGN_STAYS);
  });
}

const daemonName = ({ metadata }: Service): string =>
  `svclb-${metadata.name.slice(0, 48)}-${(metadata.uid ?? '').slice(0, 8)}`;

function daemonSet(service: Service): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: daemonName(service), namespace: 'kube-system', labels: labels(service) },
    spec: { selector: { matchLabels: { app: daemonName(service) } }, template: podTemplate(service) },
  };
}

function podTemplate(service: Service): PodTemplate {
  return {
    metadata: { labels: { app: daemonName(service), ...labels(service) } },
    spec: {
      serviceAccountName: 'svclb',
      tolerations: TOLERATIONS,
      containers: (service.spec.ports ?? []).map(({ port }) => ({
        name: `lb-tcp-${port}`,
        image: 'rancher/klipper-lb:v0.4.4',
        ports: [{ name: `lb-tcp-${port}`, containerPort: port, hostPort: port, protocol: 'TCP' }],
      })),
    },
  };
}

const labels = ({ metadata }: Service): Record<string, string> => ({
  'svccontroller.k3s.cattle.io/svcname': metadata.name,
  'svccontroller.k3s.cattle.io/svcnamespace': metadata.namespace ?? 'default',
});
