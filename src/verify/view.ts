import { viewCluster, hasCondition, type ClusterView } from '../steps/cluster.ts';
import type { Lab } from '../steps/lab.ts';
import type { KubeObject } from '../tools/kube-object.ts';

/**
 * The cluster as it is. A control plane whose machine does not run is not asked: its address does not answer, and that
 * alone takes 20 seconds.
 */
export async function lookAtCluster(lab: Lab): Promise<ClusterView> {
  const { master } = lab.config.k3s;
  const found = await lab.machines.find(master);
  if (found === undefined) return { objects: [], unreachable: `no machine ${master}` };
  const rests = found.state === 'stopped' || found.state === 'suspended' || found.state === 'deleted';
  return rests ? { objects: [], unreachable: `${master} is ${found.state}` } : viewCluster(lab);
}

/** Pods behind a Service that are Ready and stay: what serves, whatever the objects in front of it say. */
export function readyPodsBehind(view: ClusterView, service: KubeObject | undefined): readonly KubeObject[] {
  const selector = (service?.['spec'] as { selector?: Readonly<Record<string, string>> } | undefined)?.selector ?? {};
  if (Object.keys(selector).length === 0) return [];
  return view.objects.filter(
    (object) =>
      object.kind === 'Pod' &&
      object.metadata.namespace === service?.metadata.namespace &&
      object.metadata['deletionTimestamp'] === undefined &&
      Object.entries(selector).every(([key, value]) => object.metadata.labels?.[key] === value) &&
      hasCondition(object, 'Ready'),
  );
}
