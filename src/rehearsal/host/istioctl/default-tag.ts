import { deploymentObjects, type SimulatedCluster } from '../../cluster/kube.ts';
import type { InstallPlan } from './plan.ts';
import { MANAGER, REVISION, revisionLabel, tagObjects } from './render.ts';

const INJECTORS = 'mutatingwebhookconfigurations.admissionregistration.k8s.io';

/** The state before an install. */
export interface Before {
  readonly tagged: boolean;
  readonly reinstall: boolean;
}

/** Records the state before anything is created. */
export function tagsAndPlanes({ store }: SimulatedCluster, plan: InstallPlan): Before {
  const tagged = store.list(INJECTORS).some(({ metadata }) => metadata.labels?.['istio.io/tag'] === 'default');
  const reinstall = deploymentObjects(store).some(
    ({ metadata }) => metadata.labels?.['app'] === 'istiod' && metadata.labels[REVISION] === revisionLabel(plan),
  );
  return { tagged, reinstall };
}

/**
 * Sets the default tag in a first install, and simulates #47423: a second one of old versions loses all tags (facts
 * 2.5).
 */
export function settleTags({ store }: SimulatedCluster, plan: InstallPlan, { tagged, reinstall }: Before): void {
  const [, minor = 0, patch = 0] = plan.version.split('.').map(Number);
  const loses = reinstall && ((minor === 19 && patch < 7) || (minor === 20 && patch < 3));
  if (loses) {
    for (const { metadata } of store.list(INJECTORS)) {
      if (metadata.labels?.['istio.io/tag'] !== undefined) store.remove(INJECTORS, undefined, metadata.name);
    }
  } else if (!tagged || plan.revision === '') {
    for (const object of tagObjects('default', revisionLabel(plan), plan.namespace, plan.version))
      store.apply(object, MANAGER);
  }
}
