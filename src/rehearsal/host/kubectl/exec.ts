import { ApiError, fromServer } from '../../cluster/api-error.ts';
import { podObjects, stamp, type SimulatedCluster } from '../../cluster/kube.ts';
import { isReady, type Pod, ownerOf } from '../../cluster/shapes.ts';
import { flag, type Parsed } from './args.ts';
import { runInPod } from './pod-programs.ts';
import type { Verb } from './verb.ts';

interface Chosen {
  readonly deployment: string;
  readonly namespace: string;
  readonly pod: Pod;
  readonly container: string;
}

/** The pod of `deployment/NAME` and the requested container. @throws ApiError in kubectl's words */
function choose(cluster: SimulatedCluster, parsed: Parsed): Chosen {
  const [, deployment] = /^deployment\/(.+)$/.exec(parsed.words[0] ?? '') ?? [];
  const namespace = flag(parsed, '--namespace') ?? 'default';
  if (deployment === undefined) throw new ApiError(`error: not understood here: ${parsed.words[0] ?? '(no pod)'}`);
  const found = cluster.store.get('deployments.apps', namespace, deployment);
  if (found === undefined) throw fromServer('NotFound', `deployments.apps "${deployment}" not found`);
  const pods = podObjects(cluster.store).filter(
    (pod) => ownerOf(pod) === found.metadata.uid && !('deletionTimestamp' in pod.metadata),
  );
  const pod = pods.find(isReady) ?? pods[0];
  if (pod === undefined) throw new ApiError(`error: timed out waiting for the condition`);
  const container = flag(parsed, '--container') ?? pod.spec.containers[0]?.name ?? '';
  if (!pod.spec.containers.some(({ name }) => name === container)) {
    throw fromServer('BadRequest', `container ${container} is not valid for pod ${pod.metadata.name}`);
  }
  return { deployment, namespace, pod, container };
}

/** `kubectl exec deployment/NAME -- PROGRAM`. */
export const exec: Verb = {
  flags: { '--namespace': 'value', '--container': 'value' },
  run: async ({ call, cluster, parsed }) => {
    const { deployment, namespace, pod, container } = choose(cluster, parsed);
    if (pod.status.phase !== 'Running') {
      throw new ApiError(`error: unable to upgrade connection: container not found ("${container}")`);
    }
    return runInPod({ call, cluster, namespace, deployment, argv: parsed.rest ?? [] });
  },
};

/** `kubectl logs deployment/NAME`: a line or two, or why there are none. */
export const logs: Verb = {
  flags: { '--namespace': 'value', '--container': 'value', '--tail': 'value' },
  run: async ({ cluster, parsed }) => {
    const { pod, container } = choose(cluster, parsed);
    const state = pod.status.containerStatuses?.find(({ name }) => name === container)?.state as
      { waiting?: { reason: string } } | undefined;
    if (pod.status.phase !== 'Running') {
      const reason = state?.waiting?.reason ?? 'ContainerCreating';
      throw fromServer(
        'BadRequest',
        `container "${container}" in pod "${pod.metadata.name}" is waiting to start: ${reason}`,
      );
    }
    const since = Date.parse(pod.metadata.creationTimestamp ?? '');
    return { exitCode: 0, stdout: `${stamp(since)}\tinfo\t${container} of ${pod.metadata.name} is running\n` };
  },
};
