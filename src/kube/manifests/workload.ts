import type { Config, WorkloadConfig } from '../../config/config.ts';
import { labels, meshNamespace, NETWORKING, type Manifest } from './manifest.ts';

/** Namespace, service account and group of the workload machine, in the order in which they are applied. */
export function workloadObjects(config: Config, workload: WorkloadConfig): readonly Manifest[] {
  return [meshNamespace(config, workload.namespace), serviceAccount(config, workload), workloadGroup(config, workload)];
}

function serviceAccount(config: Config, workload: WorkloadConfig): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: workload.serviceAccount, namespace: workload.namespace, labels: labels(config) },
  };
}

/**
 * The group in which the machine registers itself. `template.ports` is not set: with ports, only these are captured,
 * and STRICT would not protect the others (docs/facts/istio-vm.md 8.3). The probe sets the health condition.
 */
export function workloadGroup(config: Config, workload: WorkloadConfig): Manifest {
  const { app, appPort, namespace, serviceAccount: account } = workload;
  return {
    apiVersion: NETWORKING,
    kind: 'WorkloadGroup',
    metadata: { name: app, namespace, labels: { ...labels(config), app } },
    spec: {
      metadata: { labels: { app } },
      template: { serviceAccount: account, network: config.networks.vm },
      probe: { initialDelaySeconds: 1, periodSeconds: 5, timeoutSeconds: 3, httpGet: { path: '/', port: appPort } },
    },
  };
}

/** Port of the Service for the machine's workload. */
export const ROUTE_PORT = 8000;

/** The Service for the machine: its selector matches the labels of the WorkloadEntry. */
export function routeObjects(config: Config, workload: WorkloadConfig): readonly Manifest[] {
  const { app, appPort, namespace } = workload;
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: app, namespace, labels: { ...labels(config), app } },
      spec: { selector: { app }, ports: [{ name: 'http', port: ROUTE_PORT, targetPort: appPort, protocol: 'TCP' }] },
    },
  ];
}
