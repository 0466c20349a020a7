import type { SimulatedCluster } from '../cluster/kube.ts';
import { matchesMap, matchesSelector, type Labels } from '../cluster/selectors.ts';
import type { NetworkPeer, Pod } from '../cluster/shapes.ts';

/** Where a packet goes after the sidecar: a pod, or an address outside the cluster. */
export interface Destination {
  readonly address: string;
  readonly port: number;
  readonly pod?: Pod;
}

/**
 * Whether the policies of a pod's namespace allow its packets to this destination. A peer with selectors matches only
 * pods; an address outside needs an ipBlock (docs/facts/istio-vm.md 8.1).
 */
export function egressAllowed(cluster: SimulatedCluster, from: Pod, to: Destination): boolean {
  const policies = cluster.store
    .list('networkpolicies.networking.k8s.io')
    .filter(({ metadata }) => metadata.namespace === from.metadata.namespace)
    .map((policy) => policy.spec)
    .filter((spec) => spec.egress !== undefined || (spec.policyTypes ?? []).includes('Egress'))
    .filter((spec) => matchesSelector(spec.podSelector, from.metadata.labels));
  if (policies.length === 0) return true;
  return policies.some(({ egress = [] }) =>
    egress.some(
      ({ to: peers = [], ports = [] }) =>
        (peers.length === 0 || peers.some((peer) => peerMatches(cluster, peer, from, to))) &&
        (ports.length === 0 || ports.some(({ port }) => port === undefined || Number(port) === to.port)),
    ),
  );
}

function peerMatches(cluster: SimulatedCluster, peer: NetworkPeer, from: Pod, to: Destination): boolean {
  if (peer.ipBlock !== undefined) {
    const { cidr, except = [] } = peer.ipBlock;
    return inBlock(to.address, cidr) && !except.some((part) => inBlock(to.address, part));
  }
  if (to.pod === undefined) return false;
  const home = to.pod.metadata.namespace ?? '';
  const labels = cluster.store.get('namespaces', undefined, home)?.metadata.labels;
  const homeFits =
    peer.namespaceSelector === undefined
      ? home === from.metadata.namespace
      : matchesSelector(peer.namespaceSelector, labels);
  return homeFits && matchesSelector(peer.podSelector, to.pod.metadata.labels);
}

function inBlock(address: string, cidr: string): boolean {
  const [base = '', bits = '32'] = cidr.split('/');
  const size = 2 ** (32 - Number(bits));
  return Math.floor(toNumber(address) / size) === Math.floor(toNumber(base) / size);
}

const toNumber = (address: string): number =>
  address.split('.').reduce((total, octet) => total * 256 + Number(octet), 0);

/** Whether a workload rejects plain text: its own PeerAuthentication, then its namespace's, then the mesh's. */
export function isStrict(
  cluster: SimulatedCluster,
  namespace: string,
  labels: Labels | undefined,
  root: string,
): boolean {
  const all = cluster.store.list('peerauthentications.security.istio.io');
  const own = all.filter(({ metadata }) => metadata.namespace === namespace);
  const candidates = [
    ...own.filter((object) => matchesMap(object.spec?.selector?.matchLabels, labels)),
    ...own.filter((object) => object.spec?.selector === undefined),
    ...all.filter((object) => object.metadata.namespace === root && object.spec?.selector === undefined),
  ];
  const mode = candidates
    .map((object) => object.spec?.mtls?.mode)
    .find((found) => found !== undefined && found !== 'UNSET');
  return mode === 'STRICT';
}
