import { NAMESPACE_GOES, NAMESPACE_HELD } from '../durations.ts';
import type { World } from '../world.ts';
import { once, podObjects, stamp, type Controller } from './kube.ts';
import { endPod } from './pods.ts';
import { isTerminating } from './shapes.ts';
import type { Store } from './store.ts';

/** Creates the default service account of each namespace; deletes a namespace after its content. */
export const namespaces: Controller = (kube) => {
  for (const home of kube.store.list('namespaces')) {
    const { name, uid = '' } = home.metadata;
    if (!isTerminating(home)) {
      if (kube.store.get('serviceaccounts', name, 'default') === undefined)
        kube.store.put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } });
      continue;
    }
    const now = kube.world.clock.now();
    const gone = once(kube, `namespace ${uid}`, () => now + NAMESPACE_GOES);
    const held = home.metadata.finalizers?.length ?? 0;
    if (held > 0) {
      // The finalizer is removed later; the content is deleted before that.
      emptyNamespace(kube.store, name);
    } else if (now >= gone) {
      emptyNamespace(kube.store, name);
      kube.store.remove('namespaces', undefined, name);
    } else {
      for (const pod of podObjects(kube.store)) if (pod.metadata.namespace === name) endPod(kube, pod);
      kube.wakeAt(gone);
    }
  }
};

/** Marks a namespace as being deleted. */
export function endNamespace(store: Store, name: string, now: number): void {
  store.edit('namespaces', undefined, name, (home) => {
    home.metadata.deletionTimestamp = stamp(now);
    home.status = { phase: 'Terminating' };
  });
}

/** The namespace is being deleted, and a foreign finalizer holds it for a while (the fault `namespace-stuck`). */
export function holdNamespace({ clock }: World, store: Store, name: string): void {
  const hold = (finalizers: string[]): void =>
    store.edit('namespaces', undefined, name, (home) => {
      home.metadata.finalizers = finalizers;
    });
  hold(['example.com/backup']);
  endNamespace(store, name, clock.now());
  clock.after(NAMESPACE_HELD, () => hold([]));
}

function emptyNamespace(store: Store, namespace: string): void {
  for (const { plural } of store.kinds()) {
    for (const object of store.list(plural)) {
      if (object.metadata.namespace === namespace) store.remove(plural, namespace, object.metadata.name);
    }
  }
}
