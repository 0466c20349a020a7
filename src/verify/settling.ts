import type { ClusterView } from '../steps/cluster.ts';
import type { Lab } from '../steps/lab.ts';
import { SAMPLE_NAMESPACE } from '../manifests/sample.ts';
import type { KubeObject } from '../tools/kube-object.ts';
import type { CheckContext } from './check.ts';
import { lookAtCluster } from './view.ts';

/**
 * How long after a change a failure may still pass by itself. Envoys go on sending to a pod or a machine that is gone until
 * they are connected to istiod anew: on real machines half a minute after a node was removed that istiod had run on.
 */
const RECENT_MS = 60_000;
/** A snapshot that is at most this old is recent enough to judge by. Milliseconds. */
const FRESH_MS = 2_000;

/**
 * What is known about a failure: `explained` when something else is wrong that may be behind it, `settling` when a pod or
 * a node has just changed, so that it may pass by itself, `steady` otherwise.
 */
export async function outlook(lab: Lab, context: CheckContext): Promise<'explained' | 'settling' | 'steady'> {
  lab.kubectl.forget(FRESH_MS);
  if ((await context.isExplained?.()) === true) return 'explained';
  return hasJustChanged(await lookAtCluster(lab), lab.config.istio.namespace) ? 'settling' : 'steady';
}

/**
 * Whether a node, or a pod of Istio or of the sample application, has changed within the last minute. The newest time in
 * the cluster counts as now: the clocks of this computer and of the nodes may differ. Pure.
 */
function hasJustChanged({ objects }: ClusterView, istioNamespace: string): boolean {
  const namespaces = [istioNamespace, SAMPLE_NAMESPACE];
  const watched = objects.filter(
    ({ kind, metadata }) => kind === 'Node' || (kind === 'Pod' && namespaces.includes(metadata.namespace ?? '')),
  );
  if (watched.some(({ kind, metadata }) => kind === 'Pod' && metadata['deletionTimestamp'] !== undefined)) return true;
  const changes = watched.flatMap(changesOf);
  const leases = objects.filter(({ kind }) => kind === 'Lease').flatMap(({ spec }) => timeOf(renewTimeOf(spec)));
  const now = Math.max(...leases, ...changes);
  return changes.some((time) => now - time < RECENT_MS);
}

/** When an object was created, and when it last became Ready or stopped being so. */
function changesOf(object: KubeObject): readonly number[] {
  const { conditions = [] } = (object['status'] ?? {}) as {
    conditions?: readonly { type?: string; lastTransitionTime?: string }[];
  };
  const ready = conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  return [...timeOf(object.metadata.creationTimestamp), ...timeOf(ready)];
}

const renewTimeOf = (spec: unknown): string | undefined => (spec as { renewTime?: string } | undefined)?.renewTime;

function timeOf(text: string | undefined): readonly number[] {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? [] : [time];
}
