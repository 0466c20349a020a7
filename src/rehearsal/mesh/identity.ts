import { sha256 } from '../cluster/access.ts';
import { meshRoot } from '../cluster/istiod.ts';
import type { SimulatedCluster } from '../cluster/kube.ts';
import { readToken } from '../cluster/tokens.ts';
import { workloadCertificate } from '../guest/certificate.ts';
import { guestText } from '../guest/files.ts';
import { TOKEN } from '../guest/sidecar.ts';
import type { Instance, World } from '../world.ts';
import type { AgentSettings } from './agent.ts';

/** Why the agent is not answered, in its journal's words. */
export interface Refusal {
  readonly reason: string;
  readonly fatal?: boolean;
}

/** istiod takes a certificate first, then a token (facts/istio-vm.md 5.8), and both must fit the WorkloadGroup (6.1). */
export function identityProblem(
  world: World,
  cluster: SimulatedCluster,
  instance: Instance,
  settings: AgentSettings,
): Refusal | undefined {
  const now = world.clock.now();
  const token = guestText(instance, TOKEN) ?? '';
  const claims = readToken(cluster, token);
  if (!holdsCertificate(cluster, instance, settings, now)) {
    const why =
      token.trim() === ''
        ? 'open ./var/run/secrets/tokens/istio-token: no such file or directory'
        : claims === undefined
          ? 'the token is not authenticated: invalid bearer token'
          : claims.expires * 1000 <= now
            ? 'the token is not authenticated: [invalid bearer token, service account token has expired]'
            : claims.audience !== 'istio-ca'
              ? 'the token is not authenticated: invalid audience'
              : cluster.store.get('serviceaccounts', claims.namespace, claims.serviceAccount)?.metadata.uid !==
                  claims.uid
                ? 'the token is not authenticated: service account not found'
                : undefined;
    if (why !== undefined)
      return {
        reason: `warn\tca\tca request failed: rpc error: code = Unauthenticated desc = authentication failure: ${why}`,
      };
  }
  return groupProblem(cluster, settings, claims);
}

function groupProblem(
  cluster: SimulatedCluster,
  settings: AgentSettings,
  claims: ReturnType<typeof readToken>,
): Refusal | undefined {
  const { group, namespace } = settings;
  if (group === undefined) return undefined;
  const found = cluster.store.get('workloadgroups.networking.istio.io', namespace, group);
  const denied = (why: string): Refusal => ({
    reason: `warn\txdsproxy\tupstream terminated with unexpected error rpc error: code = PermissionDenied desc = ${why}`,
  });
  if (found === undefined) return denied(`cannot find WorkloadGroup ${namespace}/${group}`);
  const account = (found['spec'] as { template?: { serviceAccount?: string } }).template?.serviceAccount ?? 'default';
  if (claims === undefined) return undefined; // an accepted certificate carries the identity that was checked when it was given
  if (claims.namespace !== namespace) return denied(`namespace mismatch: ${claims.namespace} is not ${namespace}`);
  if (claims.serviceAccount !== account)
    return denied(`proxy service account ${claims.serviceAccount} does not match workload group's ${account}`);
  return undefined;
}

/** Whether the agent has a certificate that istiod still takes: not expired, and of the mesh's present root. */
function holdsCertificate(
  cluster: SimulatedCluster,
  instance: Instance,
  settings: AgentSettings,
  now: number,
): boolean {
  if (settings.certificates === undefined) return false;
  const certificate = workloadCertificate(instance);
  return (
    certificate !== undefined && certificate.expires > now && certificate.root === sha256(meshRoot(cluster.store) ?? '')
  );
}
