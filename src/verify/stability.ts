import { hasCondition, type ClusterSnapshot } from '../steps/cluster-snapshot.ts';
import type { Lab } from '../steps/lab.ts';
import { SAMPLE_NAMESPACE } from '../kube/manifests/sample.ts';
import type { Node, Pod } from '../kube/kinds.ts';
import { isKind, ofKind } from '../kube/object.ts';
import type { CheckContext } from './check.ts';
import { clusterSnapshotFor } from './snapshot.ts';

/**
 * How long after a change a failure may still resolve itself. Envoys continue to send to a deleted pod or machine until
 * they reconnect to istiod: on real machines for half a minute after istiod's node was removed.
 */
const RECENT_MS = 60_000;
/** The maximum age of a snapshot to decide with. Milliseconds. */
const FRESH_MS = 2_000;

/**
 * What is known about a failure: `explained` when something else that is wrong may be its cause, `settling` when a pod
 * or a node has just changed, so that it may resolve itself, `steady` otherwise.
 */
export async function stability(lab: Lab, context: CheckContext): Promise<'explained' | 'settling' | 'steady'> {
  if (context.failedBefore === true) return 'explained';
  lab.kubectl.forget(FRESH_MS);
  const changed = changedRecently(await clusterSnapshotFor(lab, context), lab.config.istio.namespace);
  // A pod is restarting. Its step would report a difference, although there is nothing to do.
  if (changed.some((object) => isKind(object, 'Pod') && !hasCondition(object, 'Ready'))) return 'settling';
  if ((await context.stepDiffers?.()) === true) return 'explained';
  return changed.length > 0 ? 'settling' : 'steady';
}

/**
 * Nodes, and pods of Istio and of the sample application, that have changed within the last minute or are being
 * deleted. The newest time in the cluster counts as now, because the clocks of this computer and of the nodes may
 * differ. Pure.
 */
function changedRecently({ objects }: ClusterSnapshot, istioNamespace: string): readonly (Node | Pod)[] {
  const namespaces = [istioNamespace, SAMPLE_NAMESPACE];
  const pods = ofKind(objects, 'Pod').filter(({ metadata }) => namespaces.includes(metadata.namespace ?? ''));
  const watched = [...ofKind(objects, 'Node'), ...pods];
  const leases = ofKind(objects, 'Lease').flatMap(({ spec }) => timeOf(spec?.renewTime));
  const now = Math.max(...leases, ...watched.flatMap(changesOf));
  return watched.filter(
    (object) =>
      (isKind(object, 'Pod') && object.metadata.deletionTimestamp !== undefined) ||
      changesOf(object).some((time) => now - time < RECENT_MS),
  );
}

/** When an object was created, and when its Ready condition last changed. */
function changesOf({ metadata, status }: Node | Pod): readonly number[] {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  return [...timeOf(metadata.creationTimestamp), ...timeOf(ready)];
}

function timeOf(text: string | undefined): readonly number[] {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? [] : [time];
}
