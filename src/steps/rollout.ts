import { CliError } from '../errors/cli-error.ts';
import { CONTROL_PLANE, OWNER } from '../kube/manifests/control-plane.ts';
import { EAST_WEST } from '../kube/manifests/east-west-gateway.ts';
import type { StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import { waitForFormerNamespaces } from './apply.ts';
import { findObject, requireClusterSnapshot, clusterSnapshot, replicasOf } from './cluster-snapshot.ts';
import { createInstallErrorWatch, probePods, podError, watchInstall } from './install-watch.ts';
import type { Lab } from './lab.ts';
import type { StaleDeployment } from './proxies.ts';
import { deploymentState } from './deployment-state.ts';
import { stoppedNodes } from './node-health.ts';
import { CommandError } from '../system/command-error.ts';

const ROLLOUT_MS = 180_000;

/**
 * Installs from IstioOperator files and waits for this Deployment. If istioctl times out, the pods may still become
 * ready, so they are watched further, with their reasons; then istioctl runs again to complete the install.
 * @throws CliError with the pods' own reason, as soon as it has lasted too long
 */
export async function install(
  lab: Lab,
  context: StepContext,
  files: readonly string[],
  deployment: string,
): Promise<void> {
  const { namespace } = lab.config.istio;
  await waitForFormerNamespaces(lab, context, [namespace]);
  // This comes before the install: without istiod no gateway pod is admitted, and istioctl would time out.
  await restoreReplicas(lab, context, namespace, deployment);
  try {
    await runInstall(lab, context, files, deployment);
  } catch (error) {
    const unchangeable = await unchangeableDeployment(lab, context, error);
    if (unchangeable !== undefined) {
      // If we are interrupted after this, the next run finds no Deployment and installs it.
      context.say(`recreating Deployment ${namespace}/${unchangeable}: its selector cannot be changed in place`);
      await lab.kubectl.remove('deployments.apps', unchangeable, namespace, context);
    } else {
      if (!(error instanceof CliError && error.reason === 'timed-out')) throw error;
      context.say('istioctl timed out; watching the pods without it');
      await waitForRollout(lab, context, deployment, namespace);
    }
    await runInstall(lab, context, files, deployment);
  } finally {
    lab.kubectl.forget();
  }
  await waitForRollout(lab, context, deployment, namespace);
}

/**
 * The Deployment whose selector an install could not change, e.g. after CLUSTER_NETWORK was changed
 * (docs/facts/real-mesh.md 6.11); undefined for any other error, and for a Deployment that our files did not install.
 */
async function unchangeableDeployment(lab: Lab, context: StepContext, error: unknown): Promise<string | undefined> {
  const { cause } = error instanceof CliError ? error.facts : {};
  if (!(cause instanceof CommandError)) return undefined;
  const [, place, name = ''] =
    /obj Deployment\/([^/\s]+)\/([^:\s]+): .*spec\.selector: .*field is immutable/.exec(cause.result.stderr) ?? [];
  const { namespace } = lab.config.istio;
  if (place !== namespace) return undefined;
  const found = findObject(await requireClusterSnapshot(lab, context), 'Deployment', name, namespace);
  const owner = found?.metadata.labels?.[OWNER];
  return owner === EAST_WEST || owner === CONTROL_PLANE ? name : undefined;
}

/** One `istioctl install`, ended early when a pod cannot start. */
async function runInstall(lab: Lab, context: StepContext, files: readonly string[], deployment: string): Promise<void> {
  const watch = watchInstall(lab, context, lab.config.istio.namespace, deployment);
  try {
    await lab.istioctl.install(files, {
      ...context,
      signal: AbortSignal.any([context.signal, watch.signal]),
      onProgress: watch.onProgress,
    });
  } catch (error) {
    if (!context.signal.aborted && watch.signal.aborted) throw watch.verdict() ?? error;
    throw error;
  } finally {
    await watch.stop();
    lab.kubectl.forget();
  }
}

/** Recreates the pods of these Deployments, with the proxies that istiod injects now. */
export async function restartDeployments(
  lab: Lab,
  context: StepContext,
  namespace: string,
  stale: readonly StaleDeployment[],
): Promise<void> {
  for (const { name, why } of stale) {
    context.say(`restarting ${name}: ${why}`);
    await lab.kubectl.restart(name, namespace, context);
  }
  for (const { name } of stale) await waitForRollout(lab, context, name, namespace);
}

/** Waits until only new pods of a Deployment are left: installers return as soon as the first one is ready. */
async function waitForRollout(lab: Lab, context: StepContext, name: string, namespace: string): Promise<void> {
  const podErrors = createInstallErrorWatch(lab, namespace);
  try {
    await waitUntil({
      clock: lab.system.clock,
      signal: context.signal,
      say: context.say,
      what: `the rollout of ${name}`,
      deadlineMs: ROLLOUT_MS,
      intervalMs: 1_000,
      hint: `Look at \`kubectl --kubeconfig ${lab.config.paths.kubeconfig} -n ${namespace} get pods\`.`,
      block: (ms) => lab.kubectl.rolledOut(name, namespace, ms, context),
      probe: async () => {
        lab.kubectl.forget();
        const view = await clusterSnapshot(lab, context);
        if (view.unreachable !== undefined) return { pending: view.unreachable };
        const state = deploymentState(view, name, namespace, await stoppedNodes(lab, context));
        return state === 'available' ? { ready: true } : probePods(state, podErrors, view, [name]);
      },
    });
  } catch (error) {
    const { trouble, verdict } = podErrors.last();
    const gaveUp = error instanceof CliError && error.reason === 'timed-out' && error !== verdict;
    if (gaveUp && trouble !== undefined) throw podError(name, trouble, error);
    throw error;
  }
}

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
