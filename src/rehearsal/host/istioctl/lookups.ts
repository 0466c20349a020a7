import { parse } from 'yaml';
import { clusterIdIn, injectionValues, injectorConfig } from '../../cluster/injection.ts';
import type { SimulatedCluster } from '../../cluster/kube.ts';
import type { WorkloadGroup } from './workload-files.ts';

/** Reads the group's file, regardless of its apiVersion (docs/facts/istio-vm.md 4.1). */
export function readGroup(text: string): WorkloadGroup {
  const file = (parse(text) ?? {}) as {
    metadata?: { name?: string; namespace?: string };
    spec?: {
      metadata?: { labels?: Record<string, string> };
      template?: { serviceAccount?: string; network?: string; ports?: Record<string, number> };
      probe?: unknown;
    };
  };
  return {
    name: file.metadata?.name ?? '',
    namespace: file.metadata?.namespace ?? 'default',
    labels: file.spec?.metadata?.labels ?? {},
    serviceAccount: file.spec?.template?.serviceAccount ?? 'default',
    network: file.spec?.template?.network ?? '',
    ports: file.spec?.template?.ports ?? {},
    probe: file.spec?.probe,
  };
}

/** The cluster's name in the injector's values. */
export function clusterName({ store }: SimulatedCluster, revision: string, namespace: string): string | undefined {
  const own = revision === '' ? 'default' : revision;
  const there = store.get('configmaps', namespace, injectorConfig(own)) !== undefined;
  return there ? clusterIdIn(injectionValues(store, own)) : undefined;
}

/** The revision that the default tag names, or none. */
export function defaultRevision({ store }: SimulatedCluster): string {
  const tag = store.get(
    'mutatingwebhookconfigurations.admissionregistration.k8s.io',
    undefined,
    'istio-revision-tag-default',
  );
  return tag?.metadata.labels?.['istio.io/rev'] ?? '';
}

/**
 * A valid `--ingressIP`, otherwise the first address of the gateway's Service, otherwise none, without an error
 * (docs/facts/istio-vm.md 4.4).
 */
export function ingressAddress(
  { store }: SimulatedCluster,
  namespace: string,
  given: string | undefined,
): string | undefined {
  if (given !== undefined && /^\d{1,3}(\.\d{1,3}){3}$/.test(given)) return given;
  const service = store.get('services', namespace, 'istio-eastwestgateway');
  return service?.status?.loadBalancer.ingress?.[0]?.ip;
}
