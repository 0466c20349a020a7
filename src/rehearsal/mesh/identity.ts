import { sha256 } from '../cluster/access.ts';
import { clusterIdIn, injectionValues } from '../cluster/injection.ts';
import { meshRoot } from '../cluster/istiod.ts';
import type { SimulatedCluster } from '../cluster/kube.ts';
import { readToken } from '../cluster/tokens.ts';
import { workloadCertificate, type WorkloadCertificate } from '../guest/certificate.ts';
import { guestText } from '../guest/files.ts';
import { TOKEN } from '../guest/sidecar.ts';
import type { Instance, World } from '../world.ts';
import type { AgentSettings } from './agent.ts';

/** Why istiod rejects the agent, in the words of the agent's journal. */
export interface Refusal {
  readonly reason: string;
  readonly fatal?: boolean;
}

const TRUST_DOMAIN = 'cluster.local';

/**
 * The agent's identity for istiod: from its certificate, otherwise from its token (docs/facts/istio-vm.md 5.8); the
 * issued certificate has the same identity.
 */
export function presentedIdentity(
  world: World,
  cluster: SimulatedCluster,
  instance: Instance,
  settings: AgentSettings,
): string | undefined {
  const certificate = acceptedCertificate(cluster, instance, settings, world.clock.now());
  if (certificate !== undefined) return certificate.identity;
  const claims = readToken(cluster, guestText(instance, TOKEN) ?? '');
  return claims && `spiffe://${TRUST_DOMAIN}/ns/${claims.namespace}/sa/${claims.serviceAccount}`;
}

/**
 * istiod checks a certificate first, then a token, and either must match the agent's claims and the WorkloadGroup
 * (6.1).
 */
export function identityProblem(
  world: World,
  cluster: SimulatedCluster,
  instance: Instance,
  settings: AgentSettings,
): Refusal | undefined {
  const now = world.clock.now();
  const token = guestText(instance, TOKEN) ?? '';
  const claims = readToken(cluster, token);
  if (acceptedCertificate(cluster, instance, settings, now) === undefined) {
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
                : clusterProblem(cluster, settings);
    if (why !== undefined)
      return {
        reason: `warn\tca\tca request failed: rpc error: code = Unauthenticated desc = authentication failure: ${why}`,
      };
  }
  return groupProblem(cluster, settings, presentedIdentity(world, cluster, instance, settings) ?? '');
}

/** The cluster that the agent names checks its token (security/pkg/server/ca/authenticate/kubeauth). */
function clusterProblem({ store }: SimulatedCluster, settings: AgentSettings): string | undefined {
  const revision = /^istiod-([^.]+)\./.exec(settings.discoveryAddress)?.[1] ?? 'default';
  const own = clusterIdIn(injectionValues(store, revision));
  if (settings.cluster === own) return undefined;
  return `client claims to be in cluster "${settings.cluster}", but we only know about local cluster "${own}" and remote clusters []`;
}

function groupProblem(cluster: SimulatedCluster, settings: AgentSettings, identity: string): Refusal | undefined {
  const { group, namespace, serviceAccount } = settings;
  if (group === undefined) return undefined;
  const found = cluster.store.get('workloadgroups.networking.istio.io', namespace, group);
  const denied = (why: string): Refusal => ({
    reason: `warn\txdsproxy\tupstream terminated with unexpected error rpc error: code = PermissionDenied desc = ${why}`,
  });
  if (found === undefined) return denied(`cannot find WorkloadGroup ${namespace}/${group}`);
  const account = found.spec.template?.serviceAccount ?? 'default';
  // A test's mesh issues certificates without an identity.
  if (identity === '') return undefined;
  const [, space = '', bearer = ''] = /\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(identity) ?? [];
  if (space !== namespace || (serviceAccount !== '' && bearer !== serviceAccount))
    return denied(`authorization failed: no identities ([${identity}]) matched ${namespace}/${serviceAccount}`);
  if (bearer !== account) return denied(`proxy service account ${bearer} does not match workload group's ${account}`);
  return undefined;
}

/** The agent's certificate if istiod still accepts it: not expired, and signed by the mesh's current root. */
function acceptedCertificate(
  cluster: SimulatedCluster,
  instance: Instance,
  settings: AgentSettings,
  now: number,
): WorkloadCertificate | undefined {
  if (settings.certificates === undefined) return undefined;
  const certificate = workloadCertificate(instance);
  if (certificate === undefined || certificate.expires <= now) return undefined;
  return certificate.root === sha256(meshRoot(cluster.store) ?? '') ? certificate : undefined;
}
