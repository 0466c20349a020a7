import { createHash } from 'node:crypto';
import { LEASE_RENEWAL } from '../durations.ts';
import type { KubeObject } from '../world.ts';
import type { Kube, NodeFacts } from './kube.ts';

/** Renews what is due: a Lease of each kubelet that reaches the API server, and one of the API server itself. */
export function renewLeases(kube: Kube): void {
  for (const facts of kube.nodes.values()) {
    heartbeat(kube, facts);
    kube.store.put(lease(facts.name, 'kube-node-lease', facts.renewedAt));
  }
  // Each API server has an identity from 1.26 on.
  if (Number(/^v1\.(\d+)/.exec(kube.version)?.[1] ?? 0) < 26) return;
  const id = createHash('sha256').update(kube.server).digest('hex').slice(0, 26);
  kube.store.put(lease(`apiserver-${id}`, 'kube-system', due(kube, kube.answersSince())));
}

/** Brings a kubelet's last renewal up to date; none was possible while the API server was away. */
export function heartbeat(kube: Kube, facts: NodeFacts): void {
  const last = due(kube, facts.startedAt, facts.silentFrom);
  if (last >= kube.answersSince()) facts.renewedAt = Math.max(facts.renewedAt, last);
}

/** The last of the times, one every so often from a first one on, that has come. */
function due({ world }: Kube, first: number, until = Infinity): number {
  const end = Math.min(world.clock.now(), until);
  return first + Math.max(0, Math.floor((end - first) / LEASE_RENEWAL)) * LEASE_RENEWAL;
}

const lease = (name: string, namespace: string, renewed: number): KubeObject => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, namespace },
  spec: {
    holderIdentity: name,
    leaseDurationSeconds: 40,
    renewTime: new Date(renewed).toISOString().replace('Z', '000Z'),
  },
});
