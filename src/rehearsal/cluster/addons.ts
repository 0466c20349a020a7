import type { KubeObject, World } from '../world.ts';
import { k3sConfig, k3sList } from './kube.ts';
import type { Store } from './store.ts';

const TOLERATIONS = [
  { key: 'CriticalAddonsOnly', operator: 'Exists' },
  { key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node-role.kubernetes.io/master', operator: 'Exists', effect: 'NoSchedule' },
];

/** What k3s installs in a new cluster, except for what its configuration disables (docs/facts/k3s.md 5). */
export function installAddons(world: World, store: Store, server: string): void {
  const disabled = k3sList(k3sConfig(world, server)['disable']);
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
    store.put({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
      status: { phase: 'Active' },
    });
  }
  store.put(
    service('kubernetes', 'default', {
      clusterIP: '10.43.0.1',
      ports: [{ name: 'https', port: 443, targetPort: 6443 }],
    }),
  );
  if (!disabled.includes('coredns')) {
    store.put(
      service('kube-dns', 'kube-system', {
        clusterIP: '10.43.0.10',
        selector: { 'k8s-app': 'kube-dns' },
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP' },
          { name: 'dns-tcp', port: 53 },
        ],
      }),
    );
    store.put(deployment('coredns', { 'k8s-app': 'kube-dns' }, 'rancher/mirrored-coredns-coredns:1.10.1', '70Mi'));
  }
  if (!disabled.includes('metrics-server')) {
    store.put(
      deployment('metrics-server', { 'k8s-app': 'metrics-server' }, 'rancher/mirrored-metrics-server:v0.6.3', '70Mi'),
    );
  }
  if (!disabled.includes('local-storage')) {
    store.put(
      deployment('local-path-provisioner', { app: 'local-path-provisioner' }, 'rancher/local-path-provisioner:v0.0.24'),
    );
  }
  if (!disabled.includes('traefik')) {
    // Unless disabled, it takes the host ports 80 and 443 before Istio's ingress gateway can.
    const selector = { 'app.kubernetes.io/name': 'traefik' };
    store.put(deployment('traefik', selector, 'rancher/mirrored-library-traefik:2.10.5'));
    store.put(
      service('traefik', 'kube-system', {
        type: 'LoadBalancer',
        selector,
        ports: [
          { name: 'web', port: 80, targetPort: 8000 },
          { name: 'websecure', port: 443, targetPort: 8443 },
        ],
      }),
    );
  }
}

const service = (name: string, namespace: string, spec: Record<string, unknown>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec,
});

function deployment(name: string, labels: Record<string, string>, image: string, memory = '0'): KubeObject {
  const container = { name, image, resources: { requests: { cpu: '100m', memory } } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'kube-system', labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { tolerations: TOLERATIONS, containers: [container] } },
    },
  };
}
