import { podObjects, type Controller } from './kube.ts';
import { endPod } from './pods.ts';
import { ownerOf } from './shapes.ts';

/** Deletes objects whose owner is gone: pods gracefully, everything else at once. */
export const garbage: Controller = (kube) => {
  const kinds = kube.store.kinds().map(({ plural }) => plural);
  const all = kinds.flatMap((plural) => kube.store.list(plural).map((object) => ({ plural, object })));
  const alive = new Set(all.map(({ object }) => object.metadata.uid));
  for (const { plural, object } of all) {
    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length === 0 || owners.some(({ uid }) => alive.has(uid))) continue;
    if (plural !== 'pods') kube.store.remove(plural, object.metadata.namespace, object.metadata.name);
  }
  for (const pod of podObjects(kube.store)) {
    const owner = ownerOf(pod);
    if (owner !== undefined && !alive.has(owner)) endPod(kube, pod);
  }
};
