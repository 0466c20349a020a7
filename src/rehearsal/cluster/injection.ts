import type { KubeObject } from '../world.ts';
import { pullPolicy } from './images.ts';
import type { Kube } from './kube.ts';
import { deploymentObjects } from './kube.ts';
import type { Container, PodTemplate } from './shapes.ts';
import type { Store } from './store.ts';

/** What admission does with a new pod: leaves it unchanged, rejects it, or adds a proxy. */
export type Admission =
  | { readonly kind: 'plain'; readonly template: PodTemplate }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'injected'; readonly template: PodTemplate; readonly revision: string };

const WEBHOOKS = 'mutatingwebhookconfigurations.admissionregistration.k8s.io';

/** Passes a pod through Istio's mutating webhooks, according to the labels of its namespace and its own. */
export function admit(kube: Kube, namespace: string, template: PodTemplate): Admission {
  const home = kube.store.get('namespaces', undefined, namespace)?.metadata.labels ?? {};
  const labels = template.metadata?.labels ?? {};
  const webhook = webhookFor(kube.store, home, labels);
  if (webhook === undefined) return { kind: 'plain', template };
  const revision = webhook.metadata.labels?.['istio.io/rev'] ?? 'default';
  const istiod = istiodOf(kube.store, revision);
  if (istiod === undefined || (istiod.status?.readyReplicas ?? 0) < 1) {
    const service = revision === 'default' ? 'istiod' : `istiod-${revision}`;
    return {
      kind: 'refused',
      message:
        `Internal error occurred: failed calling webhook "rev.namespace.sidecar-injector.istio.io": failed to call webhook: ` +
        `Post "https://${service}.${istiod?.metadata.namespace ?? 'istio-system'}.svc:443/inject?timeout=10s": no endpoints available for service "${service}"`,
    };
  }
  const { global = {} } = injectionValues(kube.store, revision);
  const service = revision === 'default' ? 'istiod' : `istiod-${revision}`;
  const env = [
    { name: 'CA_ADDR', value: `${service}.${istiod.metadata.namespace ?? ''}.svc:15012` },
    { name: 'ISTIO_META_CLUSTER_ID', value: clusterIdIn({ global }) },
    ...(global.network === undefined ? [] : [{ name: 'ISTIO_META_NETWORK', value: global.network }]),
    { name: 'ISTIO_META_MESH_ID', value: global.meshID ?? 'cluster.local' },
  ];
  const proxy: Container = {
    name: 'istio-proxy',
    image: proxyImage(istiod.spec.template.spec.containers),
    env,
    resources: global.proxy?.resources ?? { requests: { cpu: '100m', memory: '128Mi' } },
  };
  return { kind: 'injected', revision, template: withProxy(template, proxy, revision) };
}

/** The istiod Deployment of a revision. */
export function istiodOf(store: Store, revision: string) {
  return deploymentObjects(store).find(
    ({ metadata }) => metadata.labels?.['app'] === 'istiod' && metadata.labels['istio.io/rev'] === revision,
  );
}

/**
 * The exact label is `istio.io/rev`; `istio-injection=enabled` goes to the default tag (docs/facts/istio-vm.md 2.5).
 */
function webhookFor(
  store: Store,
  home: Readonly<Record<string, string>>,
  pod: Readonly<Record<string, string>>,
): KubeObject | undefined {
  const injectors = store.list(WEBHOOKS).filter(({ metadata }) => metadata.labels?.['app'] === 'sidecar-injector');
  const named = (name: string): KubeObject | undefined =>
    injectors.find(({ metadata }) => metadata.labels?.['istio.io/tag'] === name) ??
    injectors.find(
      ({ metadata }) => metadata.labels?.['istio.io/tag'] === undefined && metadata.labels?.['istio.io/rev'] === name,
    );
  if (pod['sidecar.istio.io/inject'] === 'false' || home['istio-injection'] === 'disabled') return undefined;
  const revision = pod['istio.io/rev'] ?? home['istio.io/rev'];
  if (home['istio-injection'] === 'enabled') return named('default');
  if (revision !== undefined) return named(revision);
  return pod['sidecar.istio.io/inject'] === 'true' ? named('default') : undefined;
}

/**
 * A gateway's only container has the image `auto` and becomes the proxy itself; any other pod gets a second container.
 */
function withProxy(template: PodTemplate, proxy: Container, revision: string): PodTemplate {
  const { image, env = [] } = proxy;
  const metadata = {
    labels: {
      ...template.metadata?.labels,
      'security.istio.io/tlsMode': 'istio',
      'service.istio.io/canonical-revision': 'latest',
    },
    annotations: {
      ...template.metadata?.annotations,
      'istio.io/rev': revision,
      'sidecar.istio.io/status': '{"containers":["istio-proxy"]}',
    },
  };
  if (template.metadata?.annotations?.['inject.istio.io/templates'] === 'gateway') {
    const containers = template.spec.containers.map((container) =>
      container.image === 'auto' ? { ...container, image, env, imagePullPolicy: pullPolicy(container) } : container,
    );
    return { metadata, spec: { ...template.spec, containers } };
  }
  return {
    metadata,
    spec: {
      ...template.spec,
      initContainers: [{ name: 'istio-init', image }, ...(template.spec.initContainers ?? [])],
      containers: [...template.spec.containers, proxy],
    },
  };
}

const proxyImage = (containers: readonly Container[]): string =>
  (containers[0]?.image ?? '').replace(/\/pilot:/, '/proxyv2:');

/**
 * Resources that a proxy requests: `values.global.proxy.resources` of the install, or Istio's own default
 * (docs/facts/figures.md 1).
 */

interface InjectionValues {
  readonly global?: {
    readonly meshID?: string;
    readonly network?: string;
    readonly multiCluster?: { readonly clusterName?: string };
    readonly proxy?: { readonly resources?: Container['resources'] };
  };
}

/** Name of the ConfigMap that an install writes for the injector of a revision. */
export const injectorConfig = (revision: string): string =>
  revision === 'default' ? 'istio-sidecar-injector' : `istio-sidecar-injector-${revision}`;

/** The values that an install has written for the injector of a revision. */
export function injectionValues(store: Store, revision: string): InjectionValues {
  const map = store.list('configmaps').find(({ metadata }) => metadata.name === injectorConfig(revision));
  return JSON.parse(map?.data?.['values'] ?? '{}') as InjectionValues;
}

/** The name by which istiod knows its own cluster. */
export const clusterIdIn = ({ global }: InjectionValues): string => global?.multiCluster?.clusterName ?? 'Kubernetes';
