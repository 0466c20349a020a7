import type { Lab } from '../steps/lab.ts';
import type { WorkloadLab } from '../steps/workload-lab.ts';
import type { AuthorizationPolicy, KubeObject, PeerAuthentication } from '../kube/kinds.ts';
import { isKind } from '../kube/object.ts';
import { fail, type CheckContext, type Verdict } from './check.ts';
import { kubectlGetHint } from './cluster-checks.ts';
import type { Answer } from './requests.ts';

/** The workload that received the request: policies of its namespace that select its labels apply to it. */
export interface Target {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

const AUTHORIZATION = 'authorizationpolicies.security.istio.io';
const AUTHENTICATION = 'peerauthentications.security.istio.io';

/** The workload on the VM. */
export function vmTarget({ workload }: WorkloadLab): Target {
  return { namespace: workload.namespace, labels: { app: workload.app } };
}

/** Whether an AuthorizationPolicy refused the request, according to Envoy's response. */
export function isForbidden(answer: Answer): boolean {
  return 'status' in answer && answer.status === 403 && answer.body.startsWith('RBAC:');
}

/**
 * The failure of a request that was refused, with the policies that may be the cause: AuthorizationPolicies after a 403
 * by RBAC, PeerAuthentications of mode STRICT after a closed connection. They belong to the user, so none of our
 * commands would help.
 */
export async function refusedBy(
  lab: Lab,
  context: CheckContext,
  evidence: string,
  answer: Answer,
  target: Target,
): Promise<Verdict> {
  const root = lab.config.istio.namespace;
  const kind = isForbidden(answer) ? AUTHORIZATION : 'refused' in answer ? AUTHENTICATION : undefined;
  const elsewhere = { look: kubectlGetHint(lab, target.namespace, `${AUTHORIZATION},${AUTHENTICATION}`) };
  if (kind === undefined) return fail(evidence, elsewhere);
  const namespaces = [...new Set([target.namespace, root])];
  const found = (
    await Promise.all(namespaces.map((namespace) => lab.kubectl.get(kind, { namespace }, context)))
  ).flat();
  const policies = found.filter((policy) => isPolicy(policy) && holdsFor(policy, target) && refuses(policy));
  const [first] = policies;
  if (first === undefined) return fail(evidence, elsewhere);
  const names = policies.map(({ kind: type, metadata }) => `${type} ${metadata.namespace ?? ''}/${metadata.name}`);
  return fail(`${evidence}, by ${names.join(' or ')}`, {
    hint: `${kubectlGetHint(lab, first.metadata.namespace, kind)} -o yaml`,
    certain: true,
  });
}

type Policy = AuthorizationPolicy | PeerAuthentication;

const isPolicy = (object: KubeObject): object is Policy =>
  isKind(object, 'AuthorizationPolicy') || isKind(object, 'PeerAuthentication');

function holdsFor({ spec }: Policy, { labels }: Target): boolean {
  return Object.entries(spec?.selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
}

function refuses(policy: Policy): boolean {
  return !isKind(policy, 'PeerAuthentication') || policy.spec?.mtls?.mode === 'STRICT';
}
