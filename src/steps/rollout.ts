import type { StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import { findObject, rolloutState, viewCluster } from './cluster.ts';
import type { Lab } from './lab.ts';

const ROLLOUT_MS = 180_000;

/** Waits until only new pods of a Deployment are left: installers return as soon as there is one. */
export async function waitForRollout(lab: Lab, context: StepContext, name: string, namespace: string): Promise<void> {
  await waitUntil({
    clock: lab.doors.clock,
    signal: context.signal,
    say: context.say,
    what: `the rollout of ${name}`,
    deadlineMs: ROLLOUT_MS,
    intervalMs: 1_000,
    hint: `Look at \`kubectl --kubeconfig ${lab.config.paths.kubeconfig} -n ${namespace} get pods\`.`,
    probe: async () => {
      lab.kubectl.forget();
      const state = rolloutState(findObject(await viewCluster(lab), 'Deployment', name, namespace));
      return state === 'available' ? { done: true } : { notYet: state };
    },
  });
}
