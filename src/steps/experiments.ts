import {
  articleDenyAll,
  articleDenyEgress,
  denyEgressToVm,
  PLAIN_NAMESPACE,
  strictObject,
} from '../kube/manifests/policies.ts';
import type { StepContext } from '../plan/step.ts';
import { counted } from '../plan/text.ts';
import type { KubeObject } from '../kube/kinds.ts';
import type { Context } from '../system/system.ts';
import { isTerminating, clusterSnapshot, type ClusterSnapshot } from './cluster-snapshot.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';
import { isDeletable, isOurs, leftoverName, namespacesInUse, type Leftover } from './left-objects.ts';

/**
 * Kinds of the objects that `verify --strict` and `verify --network-policy` create temporarily, as named by kubectl.
 */
const KINDS: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  PeerAuthentication: 'peerauthentications.security.istio.io',
  NetworkPolicy: 'networkpolicies.networking.k8s.io',
};

/** Objects in this view that `verify` created and did not delete, because it was killed. */
export function experimentsIn(lab: Lab, view: ClusterSnapshot, context: Context): Promise<readonly Leftover[]> {
  const names = namesOf(lab);
  const left = view.objects.filter((object) => {
    const { kind, metadata } = object;
    const home = kind === 'Namespace' ? metadata.name : (metadata.namespace ?? '');
    // Both the label and the name must match, so that objects that a user labeled in the same way are kept.
    return names.has(`${kind} ${metadata.name}`) && isOurs(lab, object) && !isTerminating(view, home);
  });
  return Promise.all(left.map((object) => namespacesInUse(lab, object, context)));
}

/** Deletes experiments that `verify` left behind. @throws CliError when the API does not answer */
export async function removeExperiments(lab: Lab, left: readonly Leftover[], context: StepContext): Promise<void> {
  for (const each of left.filter(isDeletable)) {
    context.say(`deleting ${leftoverName(each)}, left behind by an interrupted \`verify\``);
    await lab.kubectl.remove(KINDS[each.kind] ?? each.kind, each.name, each.namespace, context);
  }
}

/** Ensures that no experiment of a killed `verify` remains: such a policy would continue to refuse traffic. */
export function experimentsStep(lab: Lab): LabStep {
  return {
    id: 'experiments',
    title: 'leftovers of verify removed',
    needs: ['k3s-server'],
    command: 'up',
    tools: ['kubectl'],
    expectMs: 0,
    async check(context) {
      const view = await clusterSnapshot(lab, context);
      if (view.unreachable !== undefined) return { missing: view.unreachable };
      const left = (await experimentsIn(lab, view, context)).filter(isDeletable);
      if (left.length === 0) return 'ready';
      return {
        drifted: `${counted(left.length, 'object')} of \`verify\` left behind: ${left.map(leftoverName).join(', ')}`,
      };
    },
    async apply(context) {
      const view = await clusterSnapshot(lab, context);
      await removeExperiments(lab, await experimentsIn(lab, view, context), context);
    },
  };
}

function namesOf({ config }: Lab): ReadonlySet<string> {
  const policies = [
    ...config.workloads.flatMap((workload) => [articleDenyAll(config, workload), articleDenyEgress(config, workload)]),
    denyEgressToVm(config, ''),
  ];
  const named = ({ kind, metadata }: Pick<KubeObject, 'kind'> & { metadata: { name: string } }): string =>
    `${kind} ${metadata.name}`;
  return new Set([`Namespace ${PLAIN_NAMESPACE}`, named(strictObject(config)), ...policies.map(named)]);
}
