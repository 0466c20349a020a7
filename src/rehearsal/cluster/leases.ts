import { createHash } from 'node:crypto';
import { LEASE_RENEWAL } from '../durations.ts';
import type { Kube, NodeFacts } from './kube.ts';

/**
 * Renews the Leases that are due: one for each kubelet that reaches the API server, and one of the API server itself.
 */
export function renewLeases(kube: Kube): void {
  for (const facts of kube.nodes.values()) {
    heartbeat(kube, facts);
    renew(kube, facts.name, 'kube-node-lease', facts.renewedAt);
  }
  // Each API server has an identity Lease from 1.26 on.
  if (Number(/^v1\.(\d+)/.exec(kube.version)?.[1] ?? 0) < 26) return;
  renew(kube, `apiserver-${identityOf(kube.server)}`, 'kube-system', due(kube, kube.answersSince()));
}

const identities = new Map<string, string>();

function identityOf(server: string): string {
  let id = identities.get(server);
  if (id === undefined) identities.set(server, (id = createHash('sha256').update(server).digest('hex').slice(0, 26)));
  return id;
}

/** Updates a kubelet's last renewal; no renewal was possible while the API server was away. */
export function heartbeat(kube: Kube, facts: NodeFacts): void {
  const last = due(kube, facts.startedAt, facts.silentFrom);
  if (last >= kube.answersSince()) facts.renewedAt = Math.max(facts.renewedAt, last);
}

/** The time of the latest renewal that was due, at regular intervals from the first. */
function due({ world }: Kube, first: number, until = Infinity): number {
  const end = Math.min(world.clock.now(), until);
  return first + Math.max(0, Math.floor((end - first) / LEASE_RENEWAL)) * LEASE_RENEWAL;
}

/** Writes nothing when the renewal is unchanged, because this runs at every read. */
function renew({ store, times }: Kube, name: string, namespace: string, renewed: number): void {
  const key = `lease ${name}`;
  if (times.get(key) === renewed && store.get('leases.coordination.k8s.io', namespace, name) !== undefined) return;
  times.set(key, renewed);
  store.put({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace },
    spec: {
      holderIdentity: name,
      leaseDurationSeconds: 40,
      renewTime: new Date(renewed).toISOString().replace('Z', '000Z'),
    },
  });
}
