import { CONTROL_PLANE, OWNER } from '../kube/manifests/control-plane.ts';
import { LABELS } from '../kube/manifests/manifest.ts';
import type { StepContext } from '../plan/step.ts';
import type { KubeObject } from '../kube/kinds.ts';
import { findObject, clusterSnapshot, type ClusterSnapshot } from './cluster-snapshot.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';
import { isOurs } from './left-objects.ts';

/** A control plane that this lab installed under another ISTIO_REVISION. */
export interface FormerPlane {
  readonly revision: string;
  readonly namespace: string;
  /** What still uses it; it is kept as long as the list is not empty. */
  readonly usedBy: readonly string[];
}

/** Kinds of the objects that `istioctl install` creates for istiod, in the order of deletion: webhooks first. */
const KINDS: Readonly<Record<string, string>> = {
  MutatingWebhookConfiguration: 'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  ValidatingWebhookConfiguration: 'validatingwebhookconfigurations.admissionregistration.k8s.io',
  HorizontalPodAutoscaler: 'horizontalpodautoscalers.autoscaling',
  PodDisruptionBudget: 'poddisruptionbudgets.policy',
  EnvoyFilter: 'envoyfilters.networking.istio.io',
  Service: 'services',
  ConfigMap: 'configmaps',
  ClusterRoleBinding: 'clusterrolebindings.rbac.authorization.k8s.io',
  ClusterRole: 'clusterroles.rbac.authorization.k8s.io',
  RoleBinding: 'rolebindings.rbac.authorization.k8s.io',
  Role: 'roles.rbac.authorization.k8s.io',
  ServiceAccount: 'serviceaccounts',
  // Deleted last: an interrupted deletion is found again by its Deployment.
  Deployment: 'deployments.apps',
};
const COMPONENT = 'operator.istio.io/component';
const TAG = 'istio.io/tag';

/**
 * Control planes of former revisions in this snapshot: installed from our file, in a namespace with the labels of this
 * lab.
 */
export function formerPlanes(lab: Lab, view: ClusterSnapshot): readonly FormerPlane[] {
  return view.objects.flatMap(({ kind, metadata }): readonly FormerPlane[] => {
    const { labels = {}, namespace = '' } = metadata;
    const revision = labels[LABELS.revision] ?? '';
    const isPlane = kind === 'Deployment' && labels[OWNER] === CONTROL_PLANE && metadata.name === `istiod-${revision}`;
    if (!isPlane || revision === lab.config.istio.revision) return [];
    const home = findObject(view, 'Namespace', namespace);
    return home !== undefined && isOurs(lab, home) ? [{ revision, namespace, usedBy: usersOf(view, revision) }] : [];
  });
}

/** Deletes control planes of former revisions that nothing uses; part of `up --prune` only. */
export function formerPlanesStep(lab: Lab): LabStep {
  const unused = async (context: StepContext): Promise<readonly FormerPlane[]> =>
    formerPlanes(lab, await clusterSnapshot(lab, context)).filter(({ usedBy }) => usedBy.length === 0);
  return {
    id: 'former-control-planes',
    title: 'control planes left over from previous settings',
    // By then the current control plane is ready, and everything in this lab has moved to it.
    needs: ['istio', 'eastwest', 'sidecar', 'route', 'sample', 'leftovers'],
    command: 'up',
    tools: ['kubectl'],
    expectMs: 10_000,
    async check(context) {
      const { unreachable } = await clusterSnapshot(lab, context);
      if (unreachable !== undefined) return { missing: unreachable };
      const names = (await unused(context)).map(({ revision }) => `istiod-${revision}`);
      return names.length === 0 ? 'ready' : { drifted: `left over: ${names.join(', ')}` };
    },
    async apply(context) {
      for (const plane of await unused(context)) {
        context.say(`deleting the control plane of revision ${plane.revision}`);
        await removePlane(lab, plane, context);
      }
    },
  };
}

async function removePlane(lab: Lab, { revision, namespace }: FormerPlane, context: StepContext): Promise<void> {
  const selector = `${OWNER}=${CONTROL_PLANE},${LABELS.revision}=${revision},${COMPONENT}=Pilot`;
  const found = await lab.kubectl.get(Object.values(KINDS), { selector }, context);
  const order = Object.keys(KINDS);
  const mine = found.filter(
    ({ kind, metadata }) => order.includes(kind) && [undefined, namespace].includes(metadata.namespace),
  );
  const route = findObject(await clusterSnapshot(lab, context), 'VirtualService', `istiod-vs-${revision}`, namespace);
  if (route !== undefined && isOurs(lab, route))
    await lab.kubectl.remove('virtualservices.networking.istio.io', route.metadata.name, namespace, context);
  for (const { kind, metadata } of mine.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)))
    await lab.kubectl.remove(KINDS[kind] ?? kind, metadata.name, metadata.namespace, context);
}

/** Pods, namespaces, tags and VMs that depend on a revision. */
function usersOf(view: ClusterSnapshot, revision: string): readonly string[] {
  return view.objects
    .filter((object) => uses(object, revision))
    .map(
      ({ kind, metadata: { name, namespace } }) => `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`,
    );
}

function uses({ kind, metadata }: KubeObject, revision: string): boolean {
  const { labels = {}, annotations = {} } = metadata;
  const named = [labels[LABELS.revision], annotations[LABELS.revision]].includes(revision);
  switch (kind) {
    case 'Pod':
      // A pod that is being deleted is replaced by a new one.
      return named && labels['app'] !== 'istiod' && metadata.deletionTimestamp === undefined;
    case 'Namespace':
      return named;
    case 'MutatingWebhookConfiguration':
      return named && labels[TAG] !== undefined;
    case 'WorkloadEntry': {
      // The pod of istiod to which a VM is, or was last, connected.
      const controller = annotations['istio.io/workloadController'] ?? '';
      const isConnected = annotations['istio.io/disconnectedAt'] === undefined;
      return isConnected && new RegExp(`^istiod-${revision}(-[a-z0-9]+-[a-z0-9]+)?$`).test(controller);
    }
    default:
      return false;
  }
}
