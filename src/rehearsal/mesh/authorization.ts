import type { SimulatedCluster } from '../cluster/kube.ts';
import { matchesMap, type Labels } from '../cluster/selectors.ts';
import type { KubeObject } from '../world.ts';

const POLICIES = 'authorizationpolicies.security.istio.io';

/** The caller's identity from its certificate; undefined for plain text, which has no identity. */
export type Caller = { readonly namespace: string; readonly serviceAccount: string } | undefined;

interface Source {
  readonly principals?: readonly string[];
  readonly notPrincipals?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly notNamespaces?: readonly string[];
}

interface Operation {
  readonly ports?: readonly string[];
  readonly paths?: readonly string[];
  readonly methods?: readonly string[];
}

interface PolicySpec {
  readonly action?: string;
  readonly selector?: { readonly matchLabels?: Labels };
  readonly rules?: readonly {
    readonly from?: readonly { readonly source: Source }[];
    readonly to?: readonly { readonly operation: Operation }[];
  }[];
}

/**
 * Whether the AuthorizationPolicies of a workload deny a GET: a DENY policy that matches, or ALLOW policies of which
 * none matches. Those in the root namespace without a selector apply to the whole mesh.
 */
export function isDenied(
  cluster: SimulatedCluster,
  root: string,
  target: { readonly namespace?: string; readonly labels?: Labels },
  caller: Caller,
  request: { readonly port: number; readonly path: string },
): boolean {
  if (!cluster.has(POLICIES)) return false;
  const spec = (object: KubeObject): PolicySpec => object['spec'] ?? {};
  const policies = cluster.store
    .list(POLICIES)
    .filter(({ metadata }) => metadata.namespace === target.namespace || metadata.namespace === root)
    .map(spec)
    .filter(({ selector }) => selector === undefined || matchesMap(selector.matchLabels, target.labels));
  const matches = ({ rules = [] }: PolicySpec): boolean =>
    rules.some(
      ({ from, to }) =>
        (from === undefined || from.some(({ source }) => isFrom(source, caller))) &&
        (to === undefined || to.some(({ operation }) => isTo(operation, request))),
    );
  const allowing = policies.filter(({ action = 'ALLOW' }) => action === 'ALLOW');
  return (
    policies.some((policy) => policy.action === 'DENY' && matches(policy)) ||
    (allowing.length > 0 && !allowing.some(matches))
  );
}

function isFrom({ principals, notPrincipals, namespaces, notNamespaces }: Source, caller: Caller): boolean {
  const principal = caller && `cluster.local/ns/${caller.namespace}/sa/${caller.serviceAccount}`;
  return (
    (principals === undefined || isOneOf(principals, principal)) &&
    (notPrincipals === undefined || !isOneOf(notPrincipals, principal)) &&
    (namespaces === undefined || isOneOf(namespaces, caller?.namespace)) &&
    (notNamespaces === undefined || !isOneOf(notNamespaces, caller?.namespace))
  );
}

function isTo({ ports, paths, methods }: Operation, { port, path }: { port: number; path: string }): boolean {
  return (
    (ports === undefined || isOneOf(ports, String(port))) &&
    (paths === undefined || isOneOf(paths, path)) &&
    (methods === undefined || isOneOf(methods, 'GET'))
  );
}

/** `*` matches any value that is present; a star at one end matches the rest. */
function isOneOf(patterns: readonly string[], value: string | undefined): boolean {
  if (value === undefined) return false;
  return patterns.some((pattern) => {
    if (pattern.startsWith('*')) return value.endsWith(pattern.slice(1));
    return pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : value === pattern;
  });
}
