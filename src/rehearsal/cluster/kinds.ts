/** One kind that the API server serves. */
export interface KindInfo {
  /** Fully qualified plural, e.g. `deployments.apps`; core kinds have no group: `pods`. */
  readonly plural: string;
  readonly kind: string;
  readonly group: string;
  /** Served versions, preferred one first. */
  readonly versions: readonly string[];
  readonly namespaced: boolean;
  /** Names that kubectl accepts besides the plural and the kind in lower case. */
  readonly short: readonly string[];
}

function kind(plural: string, name: string, group: string, versions: string, namespaced = true, short = ''): KindInfo {
  return {
    plural: group === '' ? plural : `${plural}.${group}`,
    kind: name,
    group,
    versions: versions.split(' '),
    namespaced,
    short: short === '' ? [] : short.split(' '),
  };
}

const CLUSTER = false;

/** What k3s serves from the start, limited to the kinds that istio-vms can encounter. */
export const BUILTIN_KINDS: readonly KindInfo[] = [
  kind('namespaces', 'Namespace', '', 'v1', CLUSTER, 'ns'),
  kind('nodes', 'Node', '', 'v1', CLUSTER, 'no'),
  kind('pods', 'Pod', '', 'v1', true, 'po'),
  kind('services', 'Service', '', 'v1', true, 'svc'),
  kind('configmaps', 'ConfigMap', '', 'v1', true, 'cm'),
  kind('secrets', 'Secret', '', 'v1'),
  kind('serviceaccounts', 'ServiceAccount', '', 'v1', true, 'sa'),
  kind('events', 'Event', '', 'v1', true, 'ev'),
  kind('deployments', 'Deployment', 'apps', 'v1', true, 'deploy'),
  kind('statefulsets', 'StatefulSet', 'apps', 'v1', true, 'sts'),
  kind('persistentvolumeclaims', 'PersistentVolumeClaim', '', 'v1', true, 'pvc'),
  kind('jobs', 'Job', 'batch', 'v1'),
  kind('cronjobs', 'CronJob', 'batch', 'v1', true, 'cj'),
  kind('daemonsets', 'DaemonSet', 'apps', 'v1', true, 'ds'),
  kind('leases', 'Lease', 'coordination.k8s.io', 'v1'),
  kind('networkpolicies', 'NetworkPolicy', 'networking.k8s.io', 'v1', true, 'netpol'),
  kind('mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', 'admissionregistration.k8s.io', 'v1', CLUSTER),
  kind(
    'validatingwebhookconfigurations',
    'ValidatingWebhookConfiguration',
    'admissionregistration.k8s.io',
    'v1',
    CLUSTER,
  ),
  kind('customresourcedefinitions', 'CustomResourceDefinition', 'apiextensions.k8s.io', 'v1', CLUSTER, 'crd'),
];

/** The CRDs of an Istio minor with the versions they serve (docs/facts/istio-vm.md 3.4). */
export function istioKinds(minor: string): readonly KindInfo[] {
  const withV1 = Number(minor.split('.')[1]) >= 22;
  const networking = withV1 ? 'v1 v1beta1 v1alpha3' : 'v1beta1 v1alpha3';
  const group = 'networking.istio.io';
  return [
    kind('gateways', 'Gateway', group, networking, true, 'gw'),
    kind('virtualservices', 'VirtualService', group, networking, true, 'vs'),
    kind('destinationrules', 'DestinationRule', group, networking, true, 'dr'),
    kind('serviceentries', 'ServiceEntry', group, networking, true, 'se'),
    kind('sidecars', 'Sidecar', group, networking),
    kind('workloadentries', 'WorkloadEntry', group, networking, true, 'we'),
    kind('workloadgroups', 'WorkloadGroup', group, networking, true, 'wg'),
    kind(
      'peerauthentications',
      'PeerAuthentication',
      'security.istio.io',
      withV1 ? 'v1 v1beta1' : 'v1beta1',
      true,
      'pa',
    ),
    kind('authorizationpolicies', 'AuthorizationPolicy', 'security.istio.io', 'v1 v1beta1'),
    kind('telemetries', 'Telemetry', 'telemetry.istio.io', withV1 ? 'v1 v1alpha1' : 'v1alpha1'),
  ];
}

/** Splits the `group/version` of an object. */
export function splitApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** The apiVersion of this kind's objects in the preferred version. */
export function preferredApiVersion(info: KindInfo): string {
  const version = info.versions[0] as string;
  return info.group === '' ? version : `${info.group}/${version}`;
}
