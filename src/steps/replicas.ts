import type { StepContext } from '../plan/step.ts';
import { findObject, replicasOf, requireClusterSnapshot } from './cluster-snapshot.ts';
import type { Lab } from './lab.ts';

/**
 * Scales a Deployment from 0 back to one pod. Nothing else does it: the charts of Istio and k3s do not set the number
 * of pods, and an autoscaler never scales up from 0.
 */
export async function restoreReplicas(
  lab: Lab,
  context: StepContext,
  namespace: string,
  deployment: string,
): Promise<void> {
  const found = findObject(await requireClusterSnapshot(lab, context), 'Deployment', deployment, namespace);
  if (found === undefined || replicasOf(found) > 0) return;
  context.say(`scaling ${deployment} from 0 to 1`);
  await lab.kubectl.scale(deployment, namespace, 1, context);
}
