import type { Config } from '../config/config.ts';
import type { Pod } from '../kube/kinds.ts';
import { runningPods, type ClusterSnapshot } from './cluster-snapshot.ts';

/** istiod's address as injection writes it; any other address was set by the user's overlay. */
const ISTIOD = /^istiod(?:-[a-z0-9-]+)?\.[a-z0-9-]+\.svc:\d+$/;

/**
 * The first setting in which a pod's proxy differs from this configuration, as `name "value"`; undefined when there is
 * none, or the pod has no proxy. istiod injects only when a pod is created, so the pod keeps its settings until it is
 * recreated, and istiod rejects a proxy with another cluster name.
 */
export function proxyDifference({ spec }: Pod, { istio, networks }: Config): string | undefined {
  const proxy = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].find(
    ({ name }) => name === 'istio-proxy',
  );
  const variables = new Map(proxy?.env?.map(({ name, value }) => [name, value]));
  const istiod = `istiod-${istio.revision}.${istio.namespace}.svc:15012`;
  const wanted: readonly (readonly [variable: string, what: string, value: string])[] = [
    ['ISTIO_META_CLUSTER_ID', 'cluster', istio.cluster],
    ['ISTIO_META_MESH_ID', 'mesh', istio.meshId],
    ['ISTIO_META_NETWORK', 'network', networks.cluster],
    ...(ISTIOD.test(variables.get('CA_ADDR') ?? '') ? [['CA_ADDR', 'istiod', istiod] as const] : []),
  ];
  for (const [variable, what, value] of wanted) {
    const is = variables.get(variable);
    if (is !== undefined && is !== value) return `${what} "${is}"`;
  }
  return undefined;
}

/** A Deployment whose pods must be recreated, and what is wrong with their proxies. */
export interface StaleDeployment {
  readonly name: string;
  readonly why: string;
}

/** A gateway of the control plane's namespace whose pods must be recreated; empty when they are up to date. */
export function staleGateway(view: ClusterSnapshot, config: Config, name: string): readonly StaleDeployment[] {
  return staleDeployments(view, config.istio.namespace, [name], (pod) => proxyDifference(pod, config));
}

/** Of these Deployments, those with a running pod for which `differs` returns a reason. */
export function staleDeployments(
  view: ClusterSnapshot,
  namespace: string,
  names: readonly string[],
  differs: (pod: Pod) => string | undefined,
): readonly StaleDeployment[] {
  const pods = runningPods(view, namespace);
  return names.flatMap((name) => {
    const why = pods
      .filter(({ metadata }) => metadata.name.startsWith(`${name}-`))
      .map(differs)
      .find((reason) => reason !== undefined);
    return why === undefined ? [] : [{ name, why }];
  });
}
