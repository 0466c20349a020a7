import { ROOT_CERT, ROOT_CERT_LATE } from '../durations.ts';
import { isFaultOn } from '../fault-state.ts';
import { createdAt, deploymentObjects, once, type Controller, type Kube } from './kube.ts';
import { pem } from './access.ts';
import { isTerminating } from './shapes.ts';
import type { Store } from './store.ts';

const SECRET = 'istio-ca-secret';

/** Ready control planes. */
const readyIstiods = (store: Store) =>
  deploymentObjects(store).filter(
    ({ metadata, status }) => metadata.labels?.['app'] === 'istiod' && (status?.readyReplicas ?? 0) > 0,
  );

/** The mesh's root certificate: created by the first istiod and stored in a Secret in its namespace. */
export function meshRoot(store: Store): string | undefined {
  const secret = store.list('secrets').find(({ metadata }) => metadata.name === SECRET);
  return secret?.stringData?.['ca-cert.pem'];
}

/**
 * istiod's own controllers: create the CA at first start, and ConfigMap istio-ca-root-cert in every namespace shortly
 * after both exist (docs/facts/istio-vm.md 4.2).
 */
export const istiod: Controller = (kube) => {
  const planes = readyIstiods(kube.store);
  const first = planes[0];
  if (first === undefined) return;
  const now = kube.world.clock.now();
  const home = first.metadata.namespace ?? 'istio-system';
  if (meshRoot(kube.store) === undefined) {
    kube.store.put({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: SECRET, namespace: home },
      type: 'istio.io/ca-root',
      stringData: { 'ca-cert.pem': pem(`istio root ${kube.world.token(16)}`) },
    });
  }
  const root = meshRoot(kube.store) as string;
  const up = once(kube, `istiod ${first.metadata.uid ?? ''}`, () => now);
  for (const namespace of kube.store.list('namespaces')) {
    const { name, uid = '' } = namespace.metadata;
    if (isTerminating(namespace)) continue;
    const due = once(kube, `root ${uid}`, () => Math.max(createdAt(namespace), up) + delay(kube, name, home));
    if (now < due) kube.wakeAt(due);
    else {
      kube.store.put({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'istio-ca-root-cert', namespace: name, labels: { 'istio.io/config': 'true' } },
        data: { 'root-cert.pem': root },
      });
    }
  }
};

/** The fault delays only the user's namespaces. */
function delay(kube: Kube, namespace: string, home: string): number {
  const own = namespace !== home && namespace !== 'default' && !namespace.startsWith('kube-');
  return own && isFaultOn(kube.world, 'root-cert-late') ? ROOT_CERT_LATE : ROOT_CERT;
}
