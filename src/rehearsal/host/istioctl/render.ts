import { stringify } from 'yaml';
import type { KubeObject } from '../../world.ts';
import type { GatewayPlan, InstallPlan } from './plan.ts';

export const OWNER = 'install.operator.istio.io/owning-resource';
export const REVISION = 'istio.io/rev';
/** Field manager of everything that an install applies. */
export const MANAGER = 'istio-operator';

/** The revision as labels have it. */
export const revisionLabel = (plan: InstallPlan): string => (plan.revision === '' ? 'default' : plan.revision);
/** `istiod-1-19-3`, or `istiod` without a revision. */
const withRevision = (name: string, { revision }: InstallPlan): string =>
  revision === '' ? name : `${name}-${revision}`;

function labels(plan: InstallPlan, component: string): Record<string, string> {
  return {
    'operator.istio.io/component': component,
    'operator.istio.io/managed': 'Reconcile',
    'operator.istio.io/version': plan.version,
    [REVISION]: revisionLabel(plan),
    ...(plan.owner === undefined ? {} : { [OWNER]: plan.owner }),
  };
}

/** ConfigMaps, Service and Deployment of istiod. */
export function istiodObjects(plan: InstallPlan): KubeObject[] {
  const { namespace, pilot } = plan;
  if (pilot === undefined) return [];
  const name = withRevision('istiod', plan);
  const selector = { app: 'istiod', [REVISION]: revisionLabel(plan) };
  const own = { ...labels(plan, 'Pilot'), ...selector };
  const discovery = plan.revision === '' ? {} : { discoveryAddress: `${name}.${namespace}.svc:15012` };
  const meshId = plan.values.global?.meshID === undefined ? {} : { meshId: plan.values.global.meshID };
  const mesh = {
    defaultConfig: { ...discovery, ...meshId, ...plan.defaultConfig },
    rootNamespace: namespace,
    trustDomain: 'cluster.local',
  };
  return [
    object('v1', 'ServiceAccount', name, namespace, own, {}),
    object('v1', 'ConfigMap', withRevision('istio', plan), namespace, own, { data: { mesh: stringify(mesh) } }),
    object('v1', 'ConfigMap', withRevision('istio-sidecar-injector', plan), namespace, own, {
      data: { values: JSON.stringify(plan.values) },
    }),
    object('v1', 'Service', name, namespace, own, {
      spec: {
        selector,
        ports: [
          { name: 'grpc-xds', port: 15010, targetPort: 15010 },
          { name: 'https-dns', port: 15012, targetPort: 15012 },
          { name: 'https-webhook', port: 443, targetPort: 15017 },
          { name: 'http-monitoring', port: 15014, targetPort: 15014 },
        ],
      },
    }),
    object('apps/v1', 'Deployment', name, namespace, own, {
      // No replicas: the charts leave the number to their autoscaler, which never scales up from 0.
      spec: {
        selector: { matchLabels: selector },
        template: {
          metadata: { labels: { ...selector, istio: 'pilot', 'sidecar.istio.io/inject': 'false' } },
          spec: {
            serviceAccountName: name,
            containers: [{ name: 'discovery', image: pilot.image, resources: pilot.resources }],
          },
        },
      },
    }),
  ];
}

/** Injector, validator, and a revision's webhooks. */
export function webhookObjects(plan: InstallPlan): KubeObject[] {
  if (plan.pilot === undefined) return [];
  const suffix = plan.namespace === 'istio-system' ? '' : `-${plan.namespace}`;
  const admission = 'admissionregistration.k8s.io/v1';
  const injector = { ...labels(plan, 'Pilot'), app: 'sidecar-injector' };
  return [
    object(
      admission,
      'MutatingWebhookConfiguration',
      `${withRevision('istio-sidecar-injector', plan)}${suffix}`,
      undefined,
      injector,
      { webhooks: [] },
    ),
    object(
      admission,
      'ValidatingWebhookConfiguration',
      `${withRevision('istio-validator', plan)}-${plan.namespace}`,
      undefined,
      { ...labels(plan, 'Pilot'), app: 'istiod' },
      { webhooks: [] },
    ),
  ];
}

/** The webhook, and from 1.28 the Service, of a revision tag (docs/facts/istio-vm.md 2.5). */
export function tagObjects(tag: string, revision: string, namespace: string, version: string): KubeObject[] {
  const own = { app: 'sidecar-injector', 'istio.io/tag': tag, [REVISION]: revision };
  const webhook = object(
    'admissionregistration.k8s.io/v1',
    'MutatingWebhookConfiguration',
    `istio-revision-tag-${tag}`,
    undefined,
    own,
    { webhooks: [] },
  );
  if (Number(version.split('.')[1]) < 28) return [webhook];
  const ports = [
    { name: 'https-dns', port: 15012, targetPort: 15012 },
    { name: 'https-webhook', port: 443, targetPort: 15017 },
  ];
  const selector = { app: 'istiod', [REVISION]: revision };
  return [
    webhook,
    object(
      'v1',
      'Service',
      `istiod-revision-tag-${tag}`,
      namespace,
      { 'istio.io/tag': tag, [REVISION]: revision },
      { spec: { selector, ports } },
    ),
  ];
}

/**
 * A gateway's Service and Deployment, both selecting by all of the gateway's labels. With an injection template its
 * container has the image `auto` until the webhook has processed the pod; without one the pod is complete and is not
 * injected.
 */
export function gatewayObjects(plan: InstallPlan, gateway: GatewayPlan): KubeObject[] {
  const own = { ...labels(plan, 'IngressGateways'), ...gateway.labels };
  const rev = revisionLabel(plan);
  const injected = gateway.image === 'auto';
  return [
    object('v1', 'Service', gateway.name, gateway.namespace, own, {
      spec: {
        type: 'LoadBalancer',
        selector: gateway.labels,
        ports: gateway.ports,
      },
    }),
    object('apps/v1', 'Deployment', gateway.name, gateway.namespace, own, {
      // No replicas: the charts leave the number to their autoscaler, which never scales up from 0.
      spec: {
        selector: { matchLabels: gateway.labels },
        template: {
          metadata: {
            labels: { ...gateway.labels, [REVISION]: rev, 'sidecar.istio.io/inject': String(injected) },
            annotations: injected
              ? { 'sidecar.istio.io/inject': 'true', 'inject.istio.io/templates': 'gateway' }
              : { [REVISION]: rev, 'sidecar.istio.io/inject': 'false' },
          },
          spec: {
            containers: [
              {
                name: 'istio-proxy',
                image: gateway.image,
                resources: gateway.resources,
                ...(gateway.imagePullPolicy === undefined ? {} : { imagePullPolicy: gateway.imagePullPolicy }),
              },
            ],
          },
        },
      },
    }),
  ];
}

function object(
  apiVersion: string,
  kind: string,
  name: string,
  namespace: string | undefined,
  own: Record<string, string>,
  content: Record<string, unknown>,
): KubeObject {
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels: own },
    ...content,
  };
}
