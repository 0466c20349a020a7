import { istioRow } from '../../../config/versions.ts';
import type { World } from '../../world.ts';
import { mergeNamed, OperatorError, type GatewayComponent, type Operator, type Resources } from './operator-file.ts';

/** What an install will create, after the files are merged over the profile. */
export interface InstallPlan {
  /** `metadata.name`: the owner of the created objects; undefined for a nameless file. */
  readonly owner: string | undefined;
  readonly version: string;
  readonly revision: string;
  readonly namespace: string;
  readonly network: string;
  readonly base: boolean;
  readonly pilot: { readonly image: string; readonly resources: Resources } | undefined;
  readonly gateways: readonly GatewayPlan[];
  /** Values kept for the injector. */
  readonly values: NonNullable<NonNullable<Operator['spec']>['values']>;
  readonly defaultConfig: Readonly<Record<string, unknown>>;
}

export interface GatewayPlan {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort?: number }[];
  readonly resources: Resources;
  /** Its own image, or `auto` when the injector is to set it. */
  readonly image: string;
  readonly imagePullPolicy: string | undefined;
}

const ISTIOD: Resources = { requests: { cpu: '500m', memory: '2048Mi' } };
const PROXY: Resources = { requests: { cpu: '100m', memory: '128Mi' } };
const DEMO: Resources = { requests: { cpu: '10m', memory: '100Mi' } };
const INGRESS: GatewayComponent = { name: 'istio-ingressgateway', enabled: true };

/** Ports of the default ingress gateway. */
const INGRESS_PORTS = [
  { name: 'status-port', port: 15021, targetPort: 15021 },
  { name: 'http2', port: 80, targetPort: 8080 },
  { name: 'https', port: 443, targetPort: 8443 },
];

/** Profile `demo` adds two ports, in every version (manifests/profiles/demo.yaml, helm-profiles/demo.yaml). */
const DEMO_INGRESS: GatewayComponent = {
  ...INGRESS,
  k8s: {
    service: {
      ports: [
        ...INGRESS_PORTS,
        { name: 'tcp', port: 31400, targetPort: 31400 },
        { name: 'tls', port: 15443, targetPort: 15443 },
      ],
    },
  },
};

/**
 * Profiles, as far as they differ here (docs/facts/figures.md 1 for the requests, docs/facts/istio-vm.md 3.4 for the
 * ingress gateway).
 */
const PROFILES: Readonly<Record<string, { pilot: boolean; gateways: readonly GatewayComponent[]; small: boolean }>> = {
  default: { pilot: true, gateways: [INGRESS], small: false },
  demo: { pilot: true, gateways: [DEMO_INGRESS], small: true },
  minimal: { pilot: true, gateways: [], small: false },
  preview: { pilot: true, gateways: [INGRESS], small: false },
  remote: { pilot: false, gateways: [], small: false },
  empty: { pilot: false, gateways: [], small: false },
};

/** Merges files over their profile. @throws OperatorError */
export function planInstall(world: World, version: string, { metadata, spec = {} }: Operator): InstallPlan {
  const profile = PROFILES[spec.profile ?? 'default'];
  if (profile === undefined) {
    const what = `profile "${spec.profile ?? ''}" not found`;
    throw new OperatorError(`generate config: merge inputs: ${what}`);
  }
  const revision = spec.revision ?? spec.values?.revision ?? '';
  if (revision !== '' && !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(revision)) {
    throw new OperatorError(
      `invalid revision specified: ${revision}: a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'`,
    );
  }
  const { components = {}, values = {} } = spec;
  // Components are installed in the file's own namespace (operator/pkg/component).
  const namespace = metadata?.namespace ?? 'istio-system';
  const row = istioRow(version, world.shipped.versions);
  const hub = values.global?.hub ?? spec.hub ?? row?.builtInHub ?? row?.hub ?? 'docker.io/istio';
  const tag = `${values.global?.tag ?? spec.tag ?? version}`;
  const injected = (values.gateways?.['istio-ingressgateway']?.injectionTemplate ?? '') !== '';
  const pilot = components.pilot?.enabled ?? profile.pilot;
  const gateways = mergeNamed(
    profile.gateways as never,
    (components.ingressGateways ?? []) as never,
  ) as unknown as GatewayComponent[];
  return {
    owner: metadata?.name,
    version,
    revision,
    namespace,
    network: values.global?.network ?? '',
    base: components.base?.enabled ?? profile.pilot,
    pilot: pilot
      ? {
          image: `${hub}/pilot:${tag}`,
          resources: components.pilot?.k8s?.resources ?? values.pilot?.resources ?? (profile.small ? DEMO : ISTIOD),
        }
      : undefined,
    gateways: gateways
      .filter(({ enabled }) => enabled === true)
      .map((gateway) => ({
        name: gateway.name,
        namespace: gateway.namespace ?? namespace,
        labels: { app: gateway.name, istio: gateway.name.replace(/^istio-/, ''), ...gateway.label },
        ports: gateway.k8s?.service?.ports ?? INGRESS_PORTS,
        resources: gateway.k8s?.resources ?? values.gateways?.['istio-ingressgateway']?.resources ?? PROXY,
        image: injected ? 'auto' : `${hub}/proxyv2:${tag}`,
        imagePullPolicy: values.global?.imagePullPolicy,
      })),
    values,
    defaultConfig: spec.meshConfig?.defaultConfig ?? {},
  };
}
