import { exposeIstiod, exposeServices, networkNamespace } from '../kube/manifests/expose.ts';
import { LABELS, type Manifest } from '../kube/manifests/manifest.ts';
import { routeObjects, workloadObjects } from '../kube/manifests/workload.ts';
import { sampleObjects } from '../kube/manifests/sample.ts';
import { plainClientObjects, strictObject } from '../kube/manifests/policies.ts';
import type { StepContext } from '../plan/step.ts';
import { counted } from '../plan/text.ts';
import type { KubeObject } from '../kube/kinds.ts';
import type { Context } from '../system/system.ts';
import { isTerminating, clusterSnapshot } from './cluster-snapshot.ts';
import { formerPlanes } from './former-planes.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';
import { isDeletable, isOurs, leftoverName, namespacesInUse, type Leftover } from './left-objects.ts';

/** Kinds that depend on settings, as kubectl names them; other steps handle gateways and control planes. */
const KINDS: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  Service: 'services',
  ServiceAccount: 'serviceaccounts',
  WorkloadGroup: 'workloadgroups.networking.istio.io',
  VirtualService: 'virtualservices.networking.istio.io',
  Gateway: 'gateways.networking.istio.io',
};

/** Kinds that are created in the namespace of the control plane. */
const ROUTES: ReadonlySet<string> = new Set(['VirtualService', 'Gateway']);

/**
 * Objects with this lab's labels that no step of the current configuration creates; empty while the API does not
 * answer.
 */
export async function findLeftovers(lab: Lab, context: Context): Promise<readonly Leftover[]> {
  const view = await clusterSnapshot(lab, context);
  const wanted = new Set(wantedObjects(lab).map(idOf));
  // The route to a former control plane is deleted together with it.
  for (const { revision, namespace } of formerPlanes(lab, view))
    wanted.add(`VirtualService/${namespace}/istiod-vs-${revision}`);
  const left = view.objects.filter(
    (object) =>
      Object.hasOwn(KINDS, object.kind) &&
      // Routes of a control plane in another namespace are in use: `up` refuses a second control plane.
      (!ROUTES.has(object.kind) || object.metadata.namespace === lab.config.istio.namespace) &&
      isOurs(lab, object) &&
      !wanted.has(idOf(object)) &&
      !isTerminating(view, object.kind === 'Namespace' ? object.metadata.name : (object.metadata.namespace ?? '')) &&
      // This label marks a former ISTIO_NAMESPACE, which contains a control plane.
      object.metadata.labels?.[LABELS.network] === undefined,
  );
  return Promise.all(left.map((object) => namespacesInUse(lab, object, context)));
}

/** Deletes objects of former settings; part of `up --prune` only. */
export function leftoversStep(lab: Lab): LabStep {
  const deletable = async (context: StepContext): Promise<readonly Leftover[]> =>
    (await findLeftovers(lab, context)).filter(isDeletable);
  return {
    id: 'leftovers',
    title: 'objects left over from previous settings',
    // The former objects may be in use until the VM of the current settings is a member.
    needs: ['sidecar', 'route', 'sample'],
    command: 'up',
    tools: ['kubectl'],
    expectMs: 5_000,
    async check(context) {
      const { unreachable } = await clusterSnapshot(lab, context);
      if (unreachable !== undefined) return { missing: unreachable };
      const left = await deletable(context);
      if (left.length === 0) return 'ready';
      return { drifted: `${counted(left.length, 'object')} left over: ${left.map(leftoverName).join(', ')}` };
    },
    async apply(context) {
      const left = await deletable(context);
      const namespaces = left.filter(({ kind }) => kind === 'Namespace').map(({ name }) => name);
      for (const each of left) {
        // It is deleted with its namespace.
        if (each.namespace !== undefined && namespaces.includes(each.namespace)) continue;
        context.say(`deleting ${leftoverName(each)}`);
        await lab.kubectl.remove(KINDS[each.kind] ?? each.kind, each.name, each.namespace, context);
      }
    },
  };
}

function wantedObjects({ config, shipped }: Lab): readonly Manifest[] {
  return [
    networkNamespace(config),
    ...exposeIstiod(config),
    ...exposeServices(config),
    ...config.workloads.flatMap((workload) => [
      ...workloadObjects(config, workload),
      ...routeObjects(config, workload),
    ]),
    ...sampleObjects(config, shipped.versions),
    // Step `experiments` handles what an interrupted `verify` left.
    strictObject(config),
    ...plainClientObjects(config),
  ];
}

function idOf({ kind, metadata }: Pick<KubeObject | Manifest, 'kind' | 'metadata'>): string {
  return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}
