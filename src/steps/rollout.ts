import { CliError } from '../errors/cli-error.ts';
import type { StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import { waitForFormerNamespaces } from './apply.ts';
import { findObject, nodesDown, rolloutState, viewCluster } from './cluster.ts';
import type { Lab } from './lab.ts';

const ROLLOUT_MS = 180_000;

/**
 * Installs from IstioOperator files and waits for this Deployment. istioctl gives up after its own time although what it
 * made may come up later; so its pods are looked at on, with their reasons, and then it does what it had left.
 */
export async function install(
  lab: Lab,
  context: StepContext,
  files: readonly string[],
  deployment: string,
): Promise<void> {
  const { namespace } = lab.config.istio;
  await waitForFormerNamespaces(lab, context, [namespace]);
  try {
    await lab.istioctl.install(files, context.say);
  } catch (error) {
    if (!(error instanceof CliError && error.reason === 'gave-up-waiting')) throw error;
    context.say('istioctl gave up waiting; looking on without it');
    await waitForRollout(lab, context, deployment, namespace);
    await lab.istioctl.install(files, context.say);
  } finally {
    lab.kubectl.forget();
  }
  await waitForRollout(lab, context, deployment, namespace);
}

/** Waits until only new pods of a Deployment are left: installers return as soon as there is one. */
async function waitForRollout(lab: Lab, context: StepContext, name: string, namespace: string): Promise<void> {
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
      const view = await viewCluster(lab);
      if (view.unreachable !== undefined) return { notYet: view.unreachable };
      const state = rolloutState(findObject(view, 'Deployment', name, namespace));
      return state === 'available' ? { done: true } : { notYet: `${state}${nodesDown(view)}` };
    },
  });
}
