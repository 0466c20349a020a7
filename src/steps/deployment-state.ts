import { counted } from '../plan/text.ts';
import type { Deployment, Pod } from '../kube/kinds.ts';
import { ofKind } from '../kube/object.ts';
import { findObject, hasCondition, replicasOf, type ClusterSnapshot } from './cluster-snapshot.ts';
import { nodeOf, reports } from './node-health.ts';

/**
 * `available` when a Deployment is rolled out as `kubectl rollout status` reports it, and as many of its pods are Ready
 * on nodes whose kubelets report. The status alone may be outdated: it is as old as the controller's last update.
 * Otherwise the reason why it is not available.
 * @param stopped nodes that are known to be down
 */
export function deploymentState(
  view: ClusterSnapshot,
  name: string,
  namespace: string,
  stopped: readonly string[] = [],
): string {
  const deployment = findObject(view, 'Deployment', name, namespace);
  if (deployment === undefined) return 'the Deployment does not exist';
  const state = reportedState(deployment);
  if (state !== AVAILABLE) return state;
  const wanted = replicasOf(deployment);
  const ready = podsOf(view, deployment).filter((pod) => {
    const node = nodeOf(pod) ?? '';
    return hasCondition(pod, 'Ready') && !stopped.includes(node) && reports(view, node);
  }).length;
  return ready >= wanted ? AVAILABLE : `${ready} of ${wanted} pods Ready`;
}

/** Whether a Deployment was rolled out at its controller's last update. */
export const wasRolledOut = (deployment: Deployment): boolean => reportedState(deployment) === AVAILABLE;

const AVAILABLE = 'available';

/** The state according to the status of a Deployment. */
function reportedState(deployment: Deployment): string {
  const { status = {}, metadata } = deployment;
  const { generation = 0 } = metadata;
  if ((status.observedGeneration ?? generation) < generation) return 'its change is not observed yet';
  const wanted = replicasOf(deployment);
  // Without pods nothing serves, although the controller reports success.
  if (wanted === 0) return 'scaled to 0';
  const available = status.availableReplicas ?? 0;
  const updated = status.updatedReplicas ?? available;
  const old = (status.replicas ?? updated) - updated;
  if (Math.min(available, updated) < wanted) return `${Math.min(available, updated)} of ${wanted} pods available`;
  return old > 0 ? `${counted(old, 'old pod')} not terminated yet` : AVAILABLE;
}

/** Pods that a Deployment selects, Ready or not, without those that are being deleted. */
function podsOf({ objects }: ClusterSnapshot, { metadata: { namespace }, spec }: Deployment): readonly Pod[] {
  const labels = Object.entries(spec?.selector?.matchLabels ?? {});
  return ofKind(objects, 'Pod', namespace).filter(
    ({ metadata }) =>
      metadata.deletionTimestamp === undefined && labels.every(([key, value]) => metadata.labels?.[key] === value),
  );
}
