import {
  ISTIOD_START,
  ORPHANED_PODS,
  POD_RESTART,
  POD_START,
  POD_STOP,
  PULL_BACK_OFF,
  PULL_SLOW,
} from '../durations.ts';
import { isImported, pullPolicy, pullTime } from './images.ts';
import { istiodOf } from './injection.ts';
import { once, podObjects, stamp, type Controller, type Kube } from './kube.ts';
import { isFaultOn, isFaultActive } from '../fault-state.ts';
import { isReady, type Container, type Pod, type PodTemplate } from './shapes.ts';

/** The kubelets: they pull images, start containers, report readiness, and stop pods that are being deleted. */
export const pods: Controller = (kube) => {
  const now = kube.world.clock.now();
  for (const pod of podObjects(kube.store)) {
    const ends = pod.metadata.deletionTimestamp;
    if (ends !== undefined && isBound(pod) && !isAttended(kube, pod)) awaitCollection(kube, pod);
    else if (ends !== undefined) {
      const gone = once(kube, `end ${pod.metadata.uid ?? ''}`, () => now + POD_STOP);
      if (now >= gone) kube.store.remove('pods', pod.metadata.namespace, pod.metadata.name);
      else kube.wakeAt(gone);
    } else if (pod.spec.nodeName !== undefined) report(kube, pod, pod.spec.nodeName);
  }
};

const isBound = ({ spec }: Pod): boolean => spec.nodeName !== undefined;

/** Whether a kubelet is running that can stop the pod. */
function isAttended({ nodes }: Kube, { spec }: Pod): boolean {
  const facts = nodes.get(spec.nodeName ?? '');
  return facts !== undefined && facts.silentFrom === undefined;
}

/** A pod of a deleted node stays until it is collected; a pod of a silent node stays as long as the node. */
function awaitCollection(kube: Kube, pod: Pod): void {
  if (kube.nodes.has(pod.spec.nodeName ?? '')) return;
  const due = once(kube, `orphan ${pod.metadata.uid ?? ''}`, () => kube.world.clock.now() + ORPHANED_PODS);
  if (kube.world.clock.now() >= due) kube.store.remove('pods', pod.metadata.namespace, pod.metadata.name);
  else kube.wakeAt(due);
}

/** Creates a pod from a template; it is pending until the scheduler binds it. */
export function newPod(
  kube: Kube,
  template: PodTemplate,
  namespace: string,
  name: string,
  owner: { kind: string; name: string; uid: string },
): void {
  kube.store.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { ...template.metadata?.labels },
      annotations: { ...template.metadata?.annotations },
      ownerReferences: [{ apiVersion: 'apps/v1', controller: true, blockOwnerDeletion: true, ...owner }],
    },
    spec: { serviceAccountName: 'default', ...template.spec },
    status: { phase: 'Pending', conditions: [] },
  });
}

/** Starts the deletion of a pod. */
export function endPod(kube: Pick<Kube, 'store' | 'world'>, pod: Pod): void {
  kube.store.edit('pods', pod.metadata.namespace, pod.metadata.name, ({ metadata }) => {
    metadata.deletionTimestamp ??= stamp(kube.world.clock.now());
  });
}

/** Writes a bound pod's status as its kubelet sees it now. */
function report(kube: Kube, pod: Pod, nodeName: string): void {
  const uid = pod.metadata.uid ?? '';
  const now = kube.world.clock.now();
  const node = kube.store.get('nodes', undefined, nodeName);
  const facts = kube.nodes.get(nodeName);
  if (node === undefined || facts === undefined) {
    awaitCollection(kube, pod);
    return;
  }
  const bad = containersOf(pod).find((container) => !canHave(kube, nodeName, container))?.image;
  const ipIndex = once(kube, `ip ${uid}`, () => nextIp(kube, nodeName));
  const start =
    bad !== undefined || !isReady(node) ? undefined : once(kube, `start ${uid}`, () => now + pull(kube, pod, nodeName));
  const readyAt =
    start === undefined
      ? undefined
      : Math.max(
          start,
          facts.readyAt > (kube.times.get(`was ready ${uid}`) ?? Infinity) ? facts.readyAt + POD_RESTART : 0,
        );
  const timely = readyAt !== undefined && now >= readyAt;
  if (readyAt !== undefined && !timely) kube.wakeAt(readyAt);
  // The image cannot be pulled now, but perhaps later.
  if (bad !== undefined && pullTime(bad) !== undefined) kube.wakeAt(now + PULL_BACK_OFF);
  const ready = timely && isReady(node) && proxyConfigured(kube, pod);
  if (ready) once(kube, `was ready ${uid}`, () => now);
  const waiting =
    bad === undefined
      ? { reason: 'ContainerCreating' }
      : { reason: bad === 'auto' ? 'ErrImagePull' : 'ImagePullBackOff', message: pullMessage(bad) };
  kube.store.edit('pods', pod.metadata.namespace, pod.metadata.name, (copy) => {
    const { spec, status } = copy;
    const before = status.conditions.find(({ type }) => type === 'Ready');
    const flag = ready ? 'True' : 'False';
    status.phase = timely ? 'Running' : 'Pending';
    status.hostIP = facts.address;
    status.podIP = `10.42.${facts.index}.${ipIndex}`;
    const since = before?.status === flag ? (before.lastTransitionTime ?? stamp(now)) : stamp(now);
    status.conditions = [
      ...status.conditions.filter(({ type }) => type === 'PodScheduled'),
      {
        type: 'Ready',
        status: flag,
        lastTransitionTime: since,
        ...(ready
          ? {}
          : {
              reason: 'ContainersNotReady',
              message: `containers with unready status: [${spec.containers.map(({ name }) => name).join(' ')}]`,
            }),
      },
    ];
    status.containerStatuses = spec.containers.map(({ name, image }) => ({
      name,
      image,
      ready,
      restartCount: 0,
      state: timely ? { running: { startedAt: stamp(readyAt) } } : { waiting },
    }));
  });
}

const containersOf = ({ spec }: Pod): Container[] => [...(spec.initContainers ?? []), ...spec.containers];
const imagesOf = (pod: Pod): string[] => containersOf(pod).map(({ image }) => image);

/** The kubelet's message about an image that it cannot pull. */
function pullMessage(image: string): string {
  const host = image.split('/')[0] ?? '';
  const registry = host.includes('.') ? host : 'registry-1.docker.io';
  const why =
    pullTime(image) === undefined
      ? `failed to resolve reference "${image}": ${image}: not found`
      : `failed to do request: Head "https://${registry}/v2/": dial tcp: lookup ${registry}: no such host`;
  return `Back-off pulling image "${image}": ErrImagePull: failed to pull and unpack image "${image}": ${why}`;
}

function hasImported({ world }: Kube, node: string, image: string): boolean {
  const instance = world.engine.instances.get(node);
  return instance !== undefined && isImported(instance.importedImages, image);
}

/**
 * Whether a node has a container's image or can pull it; the policy `Always` needs the registry even if it is present.
 */
function canHave(kube: Kube, node: string, container: Container): boolean {
  const { image } = container;
  if (pullTime(image) === undefined) return false;
  if (!isFaultOn(kube.world, 'offline')) return true;
  if (pullPolicy(container) === 'Always') return false;
  return kube.pulled.has(`${node} ${image}`) || hasImported(kube, node, image);
}

/** A proxy is ready once istiod has configured it for the first time, and stays ready when istiod goes away. */
function proxyConfigured(kube: Kube, pod: Pod): boolean {
  const revision = pod.metadata.annotations?.['istio.io/rev'];
  if (revision === undefined || kube.times.has(`was ready ${pod.metadata.uid ?? ''}`)) return true;
  return (istiodOf(kube.store, revision)?.status?.readyReplicas ?? 0) > 0;
}

/** Milliseconds until the containers run: images that the node lacks are pulled one after the other. */
function pull(kube: Kube, pod: Pod, node: string): number {
  const images = new Set(imagesOf(pod));
  let time = [...images].some((image) => /\/pilot:/.test(image)) ? ISTIOD_START : POD_START;
  for (const image of images) {
    if (kube.pulled.has(`${node} ${image}`) || hasImported(kube, node, image)) continue;
    kube.pulled.add(`${node} ${image}`);
    time += (pullTime(image) ?? 0) + (isFaultActive(kube.world, 'pulls-slow') ? PULL_SLOW : 0);
  }
  return time;
}

function nextIp(kube: Kube, node: string): number {
  const next = (kube.times.get(`ips ${node}`) ?? 1) + 1;
  kube.times.set(`ips ${node}`, next);
  return next % 250 || 2;
}
