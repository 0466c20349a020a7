import type { Config } from '../config/config.ts';
import { labels } from './labels.ts';
import { meshNamespace } from './namespace.ts';
import { NETWORKING, type Manifest } from './object.ts';

/** Namespace, service account and group of the workload machine, in the order in which they are applied. */
export function workloadObjects(config: Config): readonly Manifest[] {
  return [meshNamespace(config, config.vm.namespace), serviceAccount(config), workloadGroup(config)];
}

function serviceAccount(config: Config): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: config.vm.serviceAccount, namespace: config.vm.namespace, labels: labels(config) },
  };
}

/**
 * The group in which the machine registers itself. No `template.ports`: with ports given, only those are captured, and
 * STRICT would not guard the others (docs/facts/istio-vm.md 8.3). The probe makes the health condition.
 */
export function workloadGroup(config: Config): Manifest {
  const { app, appPort, namespace, serviceAccount: account } = config.vm;
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
