import type { Config } from '../config/config.ts';
import type { Pod } from '../kube/kinds.ts';
import { runningPods, type ClusterSnapshot } from './cluster-snapshot.ts';

/** istiod's address as injection writes it; another one comes from an overlay and is the user's business. */
const ISTIOD = /^istiod(?:-[a-z0-9-]+)?\.[a-z0-9-]+\.svc:\d+$/;

/**
 * What a proxy was told when its pod was made and this configuration says otherwise, as `name "value"`; undefined when it
 * is right, or there is none. istiod injects once: a pod keeps it until it is made anew, and istiod refuses a proxy that
 * names another cluster.
 */
export function proxyDifference({ spec }: Pod, { istio, networks }: Config): string | undefined {
  const proxy = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].find(
    ({ name }) => name === 'istio-proxy',
  );
  const told = new Map(proxy?.env?.map(({ name, value }) => [name, value]));
  const istiod = `istiod-${istio.revision}.${istio.namespace}.svc:15012`;
  const wanted: readonly (readonly [variable: string, what: string, value: string])[] = [
    ['ISTIO_META_CLUSTER_ID', 'cluster', istio.cluster],
    ['ISTIO_META_MESH_ID', 'mesh', istio.meshId],
    ['ISTIO_META_NETWORK', 'network', networks.cluster],
    ...(ISTIOD.test(told.get('CA_ADDR') ?? '') ? [['CA_ADDR', 'istiod', istiod] as const] : []),
  ];
  for (const [variable, what, value] of wanted) {
    const is = told.get(variable);
    if (is !== undefined && is !== value) return `${what} "${is}"`;
  }
  return undefined;
}

/** A Deployment whose pods have to be made anew, and what is wrong with their proxies. */
export interface StaleDeployment {
  readonly name: string;
  readonly why: string;
}

/** A gateway of the control plane's namespace whose pods have to be made anew; empty when they are right. */
export function staleGateway(view: ClusterSnapshot, config: Config, name: string): readonly StaleDeployment[] {
  return staleDeployments(view, config.istio.namespace, [name], (pod) => proxyDifference(pod, config));
}

/** Of these Deployments, those with a running pod for which `differs` gives a reason. */
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
