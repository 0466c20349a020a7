import type { Context } from '../system/system.ts';
import type { Config } from '../config/config.ts';
import { routeObjects } from '../kube/manifests/workload.ts';
import { sampleObjects, SAMPLE_DEPLOYMENTS, SAMPLE_NAMESPACE } from '../kube/manifests/sample.ts';
import type { Finding, StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import { applyObjects } from './apply.ts';
import {
  compareObjects,
  findObject,
  requireClusterSnapshot,
  sidecarRevision,
  clusterSnapshot,
  type ClusterSnapshot,
} from './cluster-snapshot.ts';
import { createInstallErrorWatch, probePods } from './install-watch.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';
import { deploymentState } from './deployment-state.ts';
import { stoppedNodes } from './node-health.ts';
import type { WorkloadLab } from './workload-lab.ts';
import { proxyDifference, staleDeployments, type StaleDeployment } from './proxies.ts';
import { restartDeployments } from './rollout.ts';

const ROLLOUT_MS = 300_000;

/** The Service for the WorkloadGroup: a name that every pod can call. */
export function routeStep(lab: WorkloadLab): LabStep {
  const wanted = routeObjects(lab.config, lab.workload);
  return {
    id: `route${lab.suffix}`,
    title: `Service ${lab.workload.namespace}/${lab.workload.app}`,
    needs: [`workload${lab.suffix}`],
    command: 'route',
    tools: ['kubectl'],
    expectMs: 1_000,
    check: async (context) => compareObjects(await clusterSnapshot(lab, context), wanted),
    async apply(context) {
      await applyObjects(lab, context, wanted);
    },
  };
}

/** helloworld in two versions and a client with a sidecar, in an injected namespace. */
export function sampleStep(lab: Lab): LabStep {
  const wanted = sampleObjects(lab.config, lab.shipped.versions);
  const { config } = lab;
  let late: string = SAMPLE_DEPLOYMENTS[0];
  const rollout = async (view: ClusterSnapshot, context: Context): Promise<Finding> => {
    const stopped = await stoppedNodes(lab, context);
    for (const name of SAMPLE_DEPLOYMENTS) {
      late = name;
      const state = deploymentState(view, name, SAMPLE_NAMESPACE, stopped);
      if (state !== 'available') return { missing: `${name}: ${state}` };
    }
    const [stale] = staleSamples(view, config);
    return stale === undefined ? 'ready' : { drifted: `${stale.name}: ${stale.why}` };
  };
  const waitForRollout = (context: StepContext, isNew: boolean): Promise<unknown> => {
    const podErrors = createInstallErrorWatch(lab, SAMPLE_NAMESPACE);
    return waitUntil({
      clock: lab.system.clock,
      signal: context.signal,
      say: context.say,
      what: 'the sample application',
      deadlineMs: ROLLOUT_MS,
      intervalMs: 3_000,
      hint: `Look at \`kubectl --kubeconfig ${lab.config.paths.kubeconfig} -n ${SAMPLE_NAMESPACE} get pods\`: its images may still be pulling.`,
      // New Deployments become available together; for changed ones, the last rollout is waited for.
      ...(isNew ? { blockFirst: true } : {}),
      block: (ms) =>
        isNew
          ? lab.kubectl.allAvailable(SAMPLE_NAMESPACE, ms, context)
          : lab.kubectl.rolledOut(late, SAMPLE_NAMESPACE, ms, context),
      probe: async () => {
        lab.kubectl.forget();
        const view = await clusterSnapshot(lab, context);
        if (view.unreachable !== undefined) return { pending: view.unreachable };
        const state = await rollout(view, context);
        return state !== 'ready' && 'missing' in state
          ? probePods(state.missing, podErrors, view, SAMPLE_DEPLOYMENTS)
          : { ready: true };
      },
    });
  };
  return {
    id: 'sample',
    title: 'sample application',
    needs: ['istio', 'k3s-agent-1'],
    command: 'up',
    tools: ['kubectl'],
    expectMs: 25_000,
    async check(context) {
      const view = await clusterSnapshot(lab, context);
      const objects = compareObjects(view, wanted);
      return objects === 'ready' ? rollout(view, context) : objects;
    },
    async apply(context: StepContext) {
      const isNew = findObject(await clusterSnapshot(lab, context), 'Namespace', SAMPLE_NAMESPACE) === undefined;
      await applyObjects(lab, context, wanted);
      await waitForRollout(context, isNew);
      // Injection happens when a pod is created: an older pod has no sidecar, or one of an older revision.
      await restartDeployments(
        lab,
        context,
        SAMPLE_NAMESPACE,
        staleSamples(await requireClusterSnapshot(lab, context), config),
      );
    },
  };
}

/** Deployments of the sample with a pod that has no sidecar, or one of another control plane or configuration. */
function staleSamples(view: ClusterSnapshot, config: Config): readonly StaleDeployment[] {
  const { revision } = config.istio;
  return staleDeployments(view, SAMPLE_NAMESPACE, SAMPLE_DEPLOYMENTS, (pod) => {
    if (sidecarRevision(pod) !== revision) return `without a sidecar of revision ${revision}`;
    const difference = proxyDifference(pod, config);
    return difference === undefined ? undefined : `its sidecar has ${difference}`;
  });
}

/** Deletes the sample; for `verify`, when it created the sample itself. */
export async function removeSample(lab: Lab, context: StepContext): Promise<void> {
  await lab.kubectl.remove('namespace', SAMPLE_NAMESPACE, undefined, { ...context, cleanup: true });
}
