import { createHash } from 'node:crypto';
import { admit } from './injection.ts';
import { deploymentObjects, podObjects, stamp, type Controller, type Kube } from './kube.ts';
import { endPod, newPod } from './pods.ts';
import { isReady, ownerOf, type Condition, type Deployment, type Pod, type PodTemplate } from './shapes.ts';

const HASH = 'pod-template-hash';

/** The Deployment and ReplicaSet controllers in one: old pods are deleted when the new ones are ready. */
export const deployments: Controller = (kube) => {
  const all = podObjects(kube.store);
  for (const deployment of deploymentObjects(kube.store)) {
    const mine = all.filter(
      (pod) => ownerOf(pod) === deployment.metadata.uid && !('deletionTimestamp' in pod.metadata),
    );
    const hash = hashOf(deployment.spec.template);
    const wanted = deployment.spec.replicas ?? 1;
    const current = mine.filter((pod) => pod.metadata.labels?.[HASH] === hash);
    const refused = current.length < wanted ? grow(kube, deployment, hash, wanted - current.length) : undefined;
    for (const pod of current.slice(wanted)) endPod(kube, pod);
    if (current.filter(isReady).length >= wanted) {
      for (const pod of mine) if (pod.metadata.labels?.[HASH] !== hash) endPod(kube, pod);
    }
    writeStatus(kube, deployment, mine, current.slice(0, wanted), refused);
  }
};

/** Creates the missing pods; returns the reason when admission rejects them. */
function grow(kube: Kube, deployment: Deployment, hash: string, count: number): string | undefined {
  const { name, namespace = 'default', uid = '' } = deployment.metadata;
  const admission = admit(kube, namespace, deployment.spec.template);
  if (admission.kind === 'refused') return admission.message;
  const { template } = admission;
  const labels = { ...template.metadata?.labels, [HASH]: hash };
  for (let index = 0; index < count; index++) {
    const set = `${name}-${hash}`;
    newPod(kube, { ...template, metadata: { ...template.metadata, labels } }, namespace, `${set}-${suffix(kube)}`, {
      kind: 'ReplicaSet',
      name: set,
      uid,
    });
  }
  return undefined;
}

function writeStatus(
  kube: Kube,
  deployment: Deployment,
  all: readonly Pod[],
  current: readonly Pod[],
  refused?: string,
): void {
  const wanted = deployment.spec.replicas ?? 1;
  const ready = all.filter(isReady).length;
  kube.store.edit('deployments.apps', deployment.metadata.namespace, deployment.metadata.name, (copy) => {
    const old = copy.status?.conditions ?? [];
    const since = (entry: Condition): Condition => {
      const before = old.find(({ type }) => type === entry.type);
      const time = before?.status === entry.status ? before.lastTransitionTime : undefined;
      return { ...entry, lastTransitionTime: time ?? stamp(kube.world.clock.now()) };
    };
    const available = ready >= wanted;
    copy.status = {
      observedGeneration: copy.metadata.generation ?? 1,
      ...counts({
        replicas: all.length,
        updatedReplicas: current.length,
        readyReplicas: ready,
        availableReplicas: ready,
        unavailableReplicas: Math.max(0, wanted - ready),
      }),
      conditions: [
        since({
          type: 'Available',
          status: available ? 'True' : 'False',
          reason: available ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
        }),
        ...(refused === undefined
          ? []
          : [since({ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: refused })]),
      ],
    };
  });
}

/** Hashes by template. The store replaces an object that changes, so each hash is computed once. */
const hashes = new WeakMap<PodTemplate, string>();

/** Ten hex digits of the template; a changed template gets new pods. */
function hashOf(template: PodTemplate): string {
  let hash = hashes.get(template);
  if (hash === undefined) {
    hash = createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10);
    hashes.set(template, hash);
  }
  return hash;
}

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** A suffix of five letters in the style of Kubernetes. */
export function suffix(kube: Kube): string {
  const hex = kube.world.token(5);
  return Array.from(
    { length: 5 },
    (_, index) => ALPHABET[parseInt(hex.slice(index * 2, index * 2 + 2), 16) % ALPHABET.length],
  ).join('');
}

/** The API server omits counts of 0. */
const counts = (all: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
