import { stringify } from 'yaml';

export interface WorkloadInput {
  readonly group: WorkloadGroup;
  readonly clusterId: string;
  readonly revision: string;
  /** Namespace of istiod. */
  readonly istioNamespace: string;
  readonly internalIp: string | undefined;
  readonly autoregister: boolean;
  /** `defaultConfig` of the mesh's ConfigMap. */
  readonly meshDefaults: Readonly<Record<string, unknown>>;
}

export interface WorkloadGroup {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly network: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly probe: unknown;
}

/** The address of a revision's istiod; the port is fixed, also in 1.30 (docs/facts/istio-vm.md 4.6). */
const istiodAddress = ({ revision, istioNamespace }: WorkloadInput): string =>
  `istiod-${revision}.${istioNamespace}.svc:15012`;

const isRevisioned = ({ revision }: WorkloadInput): boolean => revision !== '' && revision !== 'default';

/** What the agent gets through the mesh file's proxyMetadata and through cluster.env. */
function proxyMetadata(input: WorkloadInput): Record<string, string> {
  const { group } = input;
  const canonical = { 'service.istio.io/canonical-name': group.name, 'service.istio.io/canonical-revision': 'latest' };
  const ports = Object.entries(group.ports).map(([name, containerPort]) => ({ name, containerPort, protocol: '' }));
  return {
    CANONICAL_REVISION: 'latest',
    CANONICAL_SERVICE: group.name,
    ISTIO_META_CLUSTER_ID: input.clusterId,
    ISTIO_META_DNS_CAPTURE: 'true',
    ISTIO_META_MESH_ID: typeof input.meshDefaults['meshId'] === 'string' ? input.meshDefaults['meshId'] : '',
    ISTIO_META_NETWORK: group.network,
    // Only when the group names ports.
    ...(ports.length === 0 ? {} : { ISTIO_META_POD_PORTS: JSON.stringify(ports) }),
    ISTIO_META_WORKLOAD_NAME: group.name,
    ISTIO_METAJSON_LABELS: JSON.stringify(sorted({ ...group.labels, ...canonical })),
    POD_NAMESPACE: group.namespace,
    SERVICE_ACCOUNT: group.serviceAccount,
    TRUST_DOMAIN: 'cluster.local',
    ...(input.autoregister ? { ISTIO_META_AUTO_REGISTER_GROUP: group.name } : {}),
  };
}

/** cluster.env: sorted, every value in single quotes (docs/facts/real-mesh.md 6.5). */
export function clusterEnv(input: WorkloadInput): string {
  const { group } = input;
  const ports = Object.values(group.ports);
  const all: Record<string, string> = {
    ...proxyMetadata(input),
    ISTIO_INBOUND_PORTS: ports.length === 0 ? '*' : ports.join(','),
    ISTIO_LOCAL_EXCLUDE_PORTS: '22,15090,15021,15020',
    ISTIO_NAMESPACE: group.namespace,
    ISTIO_SERVICE: `${group.name}.${group.namespace}`,
    ISTIO_SERVICE_CIDR: '*',
    ...(isRevisioned(input) ? { CA_ADDR: istiodAddress(input) } : {}),
    ...(input.internalIp === undefined ? {} : { ISTIO_SVC_IP: input.internalIp }),
  };
  return Object.entries(sorted(all))
    .map(([key, value]) => `${key}=${quoted(value)}\n`)
    .join('');
}

const quoted = (value: string): string => `'${value.replaceAll("'", `'"'"'`)}'`;

/**
 * mesh.yaml: the agent's ProxyConfig; its probe is a copy of the group's and is not updated (docs/facts/istio-vm.md
 * 6.2).
 */
export function meshYaml(input: WorkloadInput): string {
  const config = {
    ...(isRevisioned(input) ? { discoveryAddress: istiodAddress(input) } : {}),
    ...input.meshDefaults,
    proxyMetadata: proxyMetadata(input),
    ...(input.group.probe === undefined ? {} : { readinessProbe: input.group.probe }),
  };
  return stringify({ defaultConfig: config });
}

const sorted = (map: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
