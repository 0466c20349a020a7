import type { SimulatedCluster } from '../cluster/kube.ts';
import { matchesMap, matchesSelector, type LabelSelector, type Labels } from '../cluster/selectors.ts';
import type { Pod } from '../cluster/shapes.ts';
import type { KubeObject } from '../world.ts';

interface Peer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
}

interface PolicySpec {
  readonly podSelector?: LabelSelector;
  readonly policyTypes?: readonly string[];
  readonly egress?: readonly {
    readonly to?: readonly Peer[];
    readonly ports?: readonly { readonly port?: number | string }[];
  }[];
}

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
    .map((policy) => policy['spec'] as PolicySpec)
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

function peerMatches(cluster: SimulatedCluster, peer: Peer, from: Pod, to: Destination): boolean {
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
  const spec = (object: KubeObject) =>
    object['spec'] as { selector?: { matchLabels?: Labels }; mtls?: { mode?: string } } | undefined;
  const own = all.filter(({ metadata }) => metadata.namespace === namespace);
  const candidates = [
    ...own.filter((object) => matchesMap(spec(object)?.selector?.matchLabels, labels)),
    ...own.filter((object) => spec(object)?.selector === undefined),
    ...all.filter((object) => object.metadata.namespace === root && spec(object)?.selector === undefined),
  ];
  const mode = candidates
    .map((object) => spec(object)?.mtls?.mode)
    .find((found) => found !== undefined && found !== 'UNSET');
  return mode === 'STRICT';
}
