import type { Config } from '../../config/config.ts';
import { EAST_WEST, GATEWAY_SERVICE } from '../manifests/east-west-gateway.ts';
import { imageTag, isTagOf } from '../image-tag.ts';
import { chartValues, listAt, textOf, valueAt, type Fields, type Found } from './fields.ts';

/** Values of an overlay that contradict a variable; the other steps use the variable's value. */
export function contradictions(metadata: Fields, spec: Fields, { istio, networks }: Config): readonly string[] {
  const at = (...path: readonly string[]): readonly Found[] => chartValues(spec, ...path);
  const rules: readonly (readonly [found: readonly Found[], wanted: string, variable: string])[] = [
    [[['metadata.namespace', metadata['namespace']]], istio.namespace, 'ISTIO_NAMESPACE'],
    [[['spec.namespace', spec['namespace']]], istio.namespace, 'ISTIO_NAMESPACE'],
    [[['spec.revision', spec['revision']], ...at('revision')], istio.revision, 'ISTIO_REVISION'],
    [at('global', 'istioNamespace'), istio.namespace, 'ISTIO_NAMESPACE'],
    [
      [['spec.components.pilot.namespace', valueAt(spec, 'components', 'pilot', 'namespace')]],
      istio.namespace,
      'ISTIO_NAMESPACE',
    ],
    // `verify --strict` sets STRICT for the whole mesh, which works only in the root namespace.
    [
      [
        ['spec.meshConfig.rootNamespace', valueAt(spec, 'meshConfig', 'rootNamespace')],
        ...at('meshConfig', 'rootNamespace'),
      ],
      istio.namespace,
      'ISTIO_NAMESPACE',
    ],
    [at('global', 'meshID'), istio.meshId, 'ISTIO_MESH_ID'],
    [at('global', 'network'), networks.cluster, 'CLUSTER_NETWORK'],
    [at('global', 'multiCluster', 'clusterName'), istio.cluster, 'ISTIO_CLUSTER'],
  ];
  const differing = rules.flatMap(([found, wanted, variable]) =>
    found
      // istioctl writes null into names as the text `<nil>`, so null is reported too.
      .filter(([, value]) => value !== undefined && value !== wanted)
      .map(([path, value]) => `${path} is ${JSON.stringify(value)}, but ${variable} is "${wanted}"`),
  );
  return [...differing, ...imageProblems(spec, istio.version)];
}

/** Images of another version, with which the check `versions` would fail after every `up`. */
function imageProblems(spec: Fields, version: string): readonly string[] {
  const tags: readonly Found[] = [
    ['spec.tag', spec['tag']],
    ...chartValues(spec, 'global', 'tag'),
    ['spec.components.pilot.tag', valueAt(spec, 'components', 'pilot', 'tag')],
    ...chartValues(spec, 'pilot', 'tag'),
    ...listAt(spec, 'components', 'ingressGateways').map(({ name, tag }): Found => [
      `spec.components.ingressGateways[${textOf(name)}].tag`,
      tag,
    ]),
    ...[...chartValues(spec, 'pilot', 'image'), ...chartValues(spec, 'global', 'proxy', 'image')]
      .filter(([, image]) => typeof image === 'string' && image.includes('/'))
      .map(([path, image]): Found => [path, imageTag(String(image))]),
  ];
  const hubs: readonly Found[] = [['spec.hub', spec['hub']], ...chartValues(spec, 'global', 'hub')];
  return [
    ...tags
      .filter(([, tag]) => tag !== undefined && !isTagOf(textOf(tag).replace(/@.*$/, ''), version))
      .map(
        ([path, tag]) =>
          `${path} has tag ${JSON.stringify(tag)}, but ISTIO_VERSION is "${version}"; expected ${version} or ${version}-…`,
      ),
    ...hubs
      .filter(([, hub]) => hub === null || hub === '')
      .map(([path, hub]) => `${path} is ${JSON.stringify(hub)}, which names no registry`),
  ];
}

/** Profiles that install no istiod; `external` is the older name of `remote`. */
const WITHOUT_ISTIOD: readonly unknown[] = ['empty', 'remote', 'external'];

/** Overlay settings that remove parts that the lab needs, or that duplicate parts that istio-vms installs itself. */
export function missingParts(metadata: Fields, spec: Fields): readonly string[] {
  const { name } = metadata;
  const profiles: readonly Found[] = [['spec.profile', spec['profile']], ...chartValues(spec, 'profile')];
  const named = listAt(spec, 'components', 'ingressGateways').map((gateway) => gateway['name']);
  return [
    // Each install prunes objects labeled with its own file's name, and without a name all objects that it did not
    // create (docs/facts/istio-vm.md 2.6).
    ...(name === EAST_WEST ? [`metadata.name is "${EAST_WEST}", as the east-west gateway's own file is called`] : []),
    ...(name === '' || name === null ? ['metadata.name is empty; a nameless install removes the gateways'] : []),
    ...profiles
      .filter(([, profile]) => WITHOUT_ISTIOD.includes(profile))
      .map(([path, profile]) => `${path} is "${String(profile)}", which installs no istiod`),
    ...brokenValues(spec),
    ...disabledFeatures(spec),
    ...cniProblems(spec),
    ...(named.includes(GATEWAY_SERVICE)
      ? [`spec.components.ingressGateways names ${GATEWAY_SERVICE}, which istio-vms installs itself`]
      : []),
  ];
}

/** Values with which `istioctl manifest generate` of 1.30 omits what the lab needs, or gives it another name. */
function brokenValues(spec: Fields): readonly string[] {
  const component = (...path: readonly string[]): readonly Found[] => [
    [`spec.components.${path.join('.')}`, valueAt(spec, 'components', ...path)],
  ];
  const rules: readonly (readonly [found: readonly Found[], broken: (value: unknown) => boolean, why: string])[] = [
    [component('base', 'enabled'), (on) => on === false, "but the lab needs Istio's resource definitions"],
    [component('pilot', 'enabled'), (on) => on === false, 'but the lab needs istiod'],
    [component('pilot', 'k8s', 'replicaCount'), (count) => count === 0, 'but the lab needs istiod'],
    [component('pilot', 'k8s', 'hpaSpec', 'minReplicas'), (count) => count === 0, 'which Kubernetes refuses'],
    [chartValues(spec, 'istiodRemote', 'enabled'), (on) => on === true, 'which installs no istiod'],
    [chartValues(spec, 'global', 'operatorManageWebhooks'), (on) => on === true, 'so nothing would be injected'],
    [chartValues(spec, 'global', 'omitSidecarInjectorConfigMap'), (on) => on === true, 'so nothing would be injected'],
    [
      chartValues(spec, 'global', 'proxy', 'clusterDomain'),
      (domain) => domain !== 'cluster.local',
      'but the domain of the cluster is cluster.local',
    ],
  ];
  return rules.flatMap(([found, broken, why]) =>
    found
      .filter(([, value]) => value !== undefined && broken(value))
      .map(([path, value]) => `${path} is ${JSON.stringify(value)}, ${why}`),
  );
}

/** Feature flags of istiod that a VM needs to join and to be reported healthy (pilot/pkg/features/pilot.go). */
const NEEDED_FEATURES = [
  'PILOT_ENABLE_WORKLOAD_ENTRY_AUTOREGISTRATION',
  'PILOT_ENABLE_WORKLOAD_ENTRY_HEALTHCHECKS',
  'ENABLE_CA_SERVER',
];

function disabledFeatures(spec: Fields): readonly string[] {
  return NEEDED_FEATURES.flatMap((feature) => {
    const found: readonly Found[] = [
      ...chartValues(spec, 'pilot', 'env', feature),
      ...listAt(spec, 'components', 'pilot', 'k8s', 'env')
        .filter(({ name }) => name === feature)
        .map(({ value }): Found => [`spec.components.pilot.k8s.env[${feature}]`, value]),
    ];
    // The values that Go's strconv.ParseBool reads as false.
    return found
      .filter(([, value]) => /^(0|f|F|false|FALSE|False)$/.test(String(value)))
      .map(([path, value]) => `${path} is ${JSON.stringify(value)}, but the VM needs it`);
  });
}

const WITH_CNI: readonly unknown[] = ['ambient', 'openshift', 'openshift-ambient'];

/** Istio's CNI plug-in becomes ready only if it is configured with the folders of k3s (platform-k3s.yaml). */
function cniProblems(spec: Fields): readonly string[] {
  const { profile } = spec;
  const enabled = valueAt(spec, 'components', 'cni', 'enabled');
  if (!(typeof enabled === 'boolean' ? enabled : WITH_CNI.includes(profile))) return [];
  const onK3s = chartValues(spec, 'global', 'platform').some(([, platform]) => platform === 'k3s');
  if (onK3s || chartValues(spec, 'cni', 'cniConfDir').length > 0) return [];
  const what = enabled === true ? 'spec.components.cni.enabled is true' : `spec.profile is "${String(profile)}"`;
  return [
    `${what}, and Istio's CNI plug-in needs the folders of k3s: set spec.values.global.platform to "k3s", or spec.values.cni.cniConfDir and cniBinDir`,
  ];
}
