import type { Lab } from '../steps/lab.ts';
import type { LabelSelector, NetworkPolicy, Pod } from '../kube/kinds.ts';
import { ofKind } from '../kube/object.ts';
import { fail, type CheckContext, type Verdict } from './check.ts';
import { kubectlGetHint } from './cluster-checks.ts';

const KIND = 'networkpolicies.networking.k8s.io';

type Direction = 'Ingress' | 'Egress';

/** Pods that a request passes through, and in which directions. */
interface Passage {
  readonly pods: readonly Pod[];
  readonly directions: readonly Direction[];
}

/** NetworkPolicies that limit the traffic of these pods, and so may be the cause of a failed request. */
export async function limitingPolicies(
  lab: Lab,
  context: CheckContext,
  passages: readonly Passage[],
): Promise<readonly NetworkPolicy[]> {
  const namespaces = [...new Set(passages.flatMap(({ pods }) => pods.map((pod) => pod.metadata.namespace ?? '')))];
  const found = (
    await Promise.all(namespaces.map((namespace) => lab.kubectl.get(KIND, { namespace }, context)))
  ).flat();
  return ofKind(found, 'NetworkPolicy').filter((policy) =>
    passages.some(({ pods, directions }) =>
      pods.some((pod) => directions.some((direction) => limits(policy, pod, direction))),
    ),
  );
}

/**
 * The failure of a request that policies may have blocked. They belong to the user, so they are the place to look if
 * all steps are ready.
 */
export function limitedBy(lab: Lab, evidence: string, policies: readonly NetworkPolicy[]): Verdict {
  const names = policies.map(({ metadata }) => `NetworkPolicy ${metadata.namespace ?? ''}/${metadata.name}`);
  const [verb, namespace] = [policies.length === 1 ? 'limits' : 'limit', policies[0]?.metadata.namespace];
  return fail(`${evidence}; ${names.join(' and ')} ${verb} the traffic`, {
    look: `${kubectlGetHint(lab, namespace, KIND)} -o yaml`,
  });
}

/** Whether a policy selects a pod and does not allow all traffic in this direction. Pure. */
function limits(policy: NetworkPolicy, pod: Pod, direction: Direction): boolean {
  if (policy.metadata.namespace !== pod.metadata.namespace) return false;
  const { spec = {} } = policy;
  // Default without policyTypes: ingress always, egress if the policy has rules for it.
  const types = spec.policyTypes ?? ['Ingress', ...(spec.egress === undefined ? [] : ['Egress'])];
  if (!types.includes(direction) || !selects(spec.podSelector, pod.metadata.labels ?? {})) return false;
  const rules = (direction === 'Ingress' ? spec.ingress : spec.egress) ?? [];
  return !rules.some((rule) => Object.keys(rule).length === 0);
}

function selects(selector: LabelSelector = {}, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      const isListed = value !== undefined && values.includes(value);
      return operator === 'In' ? isListed : !isListed;
    })
  );
}
