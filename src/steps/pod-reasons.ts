import type { Reason } from '../errors/reasons.ts';
import type { Conditions, Deployment, KubeObject, Pod } from '../kube/kinds.ts';
import { ofKind } from '../kube/object.ts';

/** Why the pods of a Deployment do not become ready, as reported by the cluster. */
export interface PodProblem {
  /** One kind of trouble: `ErrImagePull` and `ImagePullBackOff` alternate and count as one kind. */
  readonly kind: string;
  /** Text to display: Kubernetes' reason, with its message if that has more information. */
  readonly text: string;
  /** After so many milliseconds, waiting longer cannot help. */
  readonly patienceMs: number;
  readonly reason: Reason;
  readonly hint: string;
}

interface Row {
  readonly kind: string;
  /** Matches `state.waiting.reason`, `PodScheduled` or a Deployment's `ReplicaFailure`. */
  readonly reasons: RegExp;
  readonly message?: RegExp;
  readonly patienceMs: number;
  readonly reason: Reason;
  readonly hint: string;
  /** Hint for pods that Istio did not install; absent: the same hint. */
  readonly elsewhere?: string;
}

const PULL = /^(?:ErrImagePull|ImagePullBackOff|RegistryUnavailable)$/;

/** Message format of kubelets from 1.31 on (seen on the mesh rig with 1.34). */
const BACK_OFF = /^Back-off pulling image "[^"]*": ErrImagePull: (.+)/s;

/**
 * The first matching row explains the trouble. The limits consider that a kubelet retries a pull after 10, 20, 40, 80
 * s.
 */
const ROWS: readonly Row[] = [
  {
    kind: 'image name',
    reasons: /^(?:InvalidImageName|ErrImageNeverPull)$/,
    patienceMs: 5_000,
    reason: 'invalid-configuration',
    hint: 'Correct `hub` and `tag` in the file that ISTIO_OVERLAY names.',
    elsewhere: 'Look at `kubectl describe pod` for the pod named above.',
  },
  {
    kind: 'image absent',
    reasons: PULL,
    message: /\bnot found\b|manifest unknown|no matching manifest/i,
    patienceMs: 30_000,
    reason: 'artifact-not-found',
    hint: 'The registry has no such image: check ISTIO_VERSION, and `hub` and `tag` in the file that ISTIO_OVERLAY names.',
    elsewhere: 'The registry has no such image: check whether a mirror or a proxy is in front of it.',
  },
  {
    kind: 'image refused',
    reasons: PULL,
    message: /unauthorized|denied|authentication required|\b40[13]\b/i,
    patienceMs: 30_000,
    reason: 'download-failed',
    hint: 'The registry refuses the pull: set `values.global.imagePullSecrets` in the file that ISTIO_OVERLAY names, or another `hub`.',
    elsewhere:
      'The registry refuses the pull: check whether it limits pulls by address, or whether a mirror is in front of it.',
  },
  {
    kind: 'image pull',
    reasons: PULL,
    patienceMs: 150_000,
    reason: 'download-failed',
    hint: 'Check whether the nodes reach the image registry. Without a network, use `istio-vms up --bundle FILE`, which contains the images.',
  },
  {
    kind: 'container',
    reasons: /^(?:CreateContainer(?:Config)?Error|RunContainerError|CreateContainerError)$/,
    patienceMs: 90_000,
    reason: 'tool-failed',
    hint: 'Look at `kubectl describe pod` for the pod named above.',
  },
  {
    kind: 'crash',
    reasons: /^(?:CrashLoopBackOff|Error)$/,
    patienceMs: 120_000,
    reason: 'tool-failed',
    hint: 'Look at `kubectl logs --previous` of the pod named above.',
  },
  {
    kind: 'no room',
    reasons: /^Unschedulable$/,
    patienceMs: 180_000,
    reason: 'timed-out',
    hint: 'No node has room for the pod: raise MEM_WORKER or CPU_WORKER, use LAB_SIZE=small, or see with `istio-vms status` whether a node is down.',
  },
  {
    kind: 'not created',
    reasons: /^FailedCreate$/,
    patienceMs: 120_000,
    reason: 'tool-failed',
    hint: 'The cluster refuses to create the pod: `istio-vms status` shows whether istiod, which is asked about each pod, is ready.',
  },
];

/**
 * The trouble of a Deployment's newest pods, or undefined when none is known (yet).
 *
 * @param ofIstio whether its images are Istio's, which an overlay may take from another registry
 */
export function podProblem(
  objects: readonly KubeObject[],
  deployment: string,
  namespace: string,
  { ofIstio = true } = {},
): PodProblem | undefined {
  const found = ofKind(objects, 'Deployment', namespace).find(({ metadata }) => metadata.name === deployment);
  if (found === undefined) return undefined;
  const pods = ofKind(objects, 'Pod', namespace).filter(
    (pod) => pod.metadata.deletionTimestamp === undefined && isOf(pod, found),
  );
  for (const pod of pods.sort(byAge)) {
    const trouble = troubleOfPod(pod, ofIstio);
    if (trouble !== undefined) return trouble;
  }
  return pods.length > 0
    ? undefined
    : troubleOf(deployment, conditionOf(found.status?.conditions, 'ReplicaFailure', 'True'), ofIstio);
}

interface State {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

function troubleOfPod({ metadata, status }: Pod, ofIstio: boolean): PodProblem | undefined {
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const states = containers.map(({ state }) => state?.waiting);
  for (const state of [...states, conditionOf(status?.conditions, 'PodScheduled', 'False')]) {
    const trouble = troubleOf(metadata.name, state, ofIstio);
    if (trouble !== undefined) return trouble;
  }
  return undefined;
}

function troubleOf(who: string, state: State | undefined, ofIstio: boolean): PodProblem | undefined {
  const { reason: word, message = '' } = state ?? {};
  if (word === undefined) return undefined;
  const row = ROWS.find(
    ({ reasons, message: text }) => reasons.test(word) && (text === undefined || text.test(message)),
  );
  if (row === undefined) return undefined;
  const { kind, patienceMs, reason, elsewhere } = row;
  const hint = ofIstio ? row.hint : (elsewhere ?? row.hint);
  // Between two tries the kubelet repeats the last message with a prefix, which is removed so that the text stays the
  // same.
  const [, lastTry] = BACK_OFF.exec(message) ?? [];
  const more = (lastTry ?? message).split('\n')[0] ?? '';
  const shown = lastTry === undefined ? word : 'ErrImagePull';
  return { kind, patienceMs, reason, hint, text: `${who}: ${shown}${more === '' ? '' : ` (${more})`}` };
}

function conditionOf(conditions: Conditions, type: string, status: string): State | undefined {
  return conditions?.find((each) => each.type === type && each.status === status);
}

/** Matches the pod's ReplicaSet, which is named after the Deployment and a hash. */
function isOf({ metadata: { ownerReferences = [] } }: Pod, deployment: Deployment): boolean {
  return ownerReferences.some(
    ({ kind, name }) => kind === 'ReplicaSet' && name.slice(0, name.lastIndexOf('-')) === deployment.metadata.name,
  );
}

/** Newest first: older pods are being replaced. */
const byAge = (a: Pod, b: Pod): number =>
  (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '');
