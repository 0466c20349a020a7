import type { SimulatedCluster } from '../../cluster/kube.ts';
import { minorOf } from './call.ts';
import type { InstallPlan } from './plan.ts';
import { OWNER, REVISION, revisionLabel } from './render.ts';

/**
 * Deletes what the same owner created before and does not create now. From 1.24 on a nameless file owns nothing, and
 * prunes all gateways of its revision (facts 2.6).
 */
export function prune({ store }: SimulatedCluster, plan: InstallPlan): void {
  const kept = new Set(plan.gateways.map(({ name, namespace }) => `${namespace}/${name}`));
  const prunesAll = plan.owner === undefined && minorOf(plan.version) >= 24;
  for (const plural of ['deployments.apps', 'services']) {
    for (const { metadata } of store.list(plural)) {
      const labels = metadata.labels ?? {};
      if (labels['operator.istio.io/component'] !== 'IngressGateways' || labels[REVISION] !== revisionLabel(plan))
        continue;
      const mine = prunesAll || (plan.owner !== undefined && labels[OWNER] === plan.owner);
      if (mine && !kept.has(`${metadata.namespace ?? ''}/${metadata.name}`))
        store.remove(plural, metadata.namespace, metadata.name);
    }
  }
}
