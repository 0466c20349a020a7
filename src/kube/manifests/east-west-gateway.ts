import type { Config, GatewayPort } from '../../config/config.ts';
import { fieldsAt } from '../overlay/fields.ts';
import { gatewayResources } from './control-plane.ts';
import { LABELS, type Manifest } from './manifest.ts';

/** The parts of a user's IstioOperator file that also apply to the gateway's install. */
export interface GatewayOverlay {
  readonly hub?: unknown;
  readonly tag?: unknown;
  /** `spec.values.global`: image policy, pull secrets, hub, tag, proxy, logging, … */
  readonly global: Readonly<Record<string, unknown>>;
}

/** Name of the gateway's IstioOperator file; Istio adds it as a label to what it installs. */
export const EAST_WEST = 'eastwest';
/** Name of the gateway's Deployment and Service. */
export const GATEWAY_SERVICE = 'istio-eastwestgateway';
/** Label with which Gateway objects select this gateway. */
export const GATEWAY_SELECTOR = { istio: 'eastwestgateway' } as const;
/**
 * Port for service traffic, routed by SNI. It is Istio's default and the same on both sides (docs/facts/istio-vm.md
 * 3.6).
 */
export const MESH_PORT = 15443;

/**
 * IstioOperator file of the east-west gateway: the output of `gen-eastwest-gateway.sh`, with the external ports and the
 * namespace of this lab, but without a script from the network (docs/facts/istio-vm.md 3.1, 3.2).
 *
 * Its pod has `image: auto`, for which Kubernetes would always pull. The pull policy is set here, because the policy of
 * the control plane's install does not apply to this install (docs/facts/real-mesh.md 6.1). An overlay's `hub`, `tag`
 * and `values.global` do apply.
 */
export function eastWestGateway(config: Config, overlay: GatewayOverlay = { global: {} }): Manifest {
  const { istio, networks } = config;
  const resources = gatewayResources(config);
  return {
    apiVersion: 'install.istio.io/v1alpha1',
    kind: 'IstioOperator',
    metadata: { name: EAST_WEST, namespace: istio.namespace },
    spec: {
      revision: istio.revision,
      profile: 'empty',
      ...(overlay.hub === undefined ? istio.hub !== undefined && { hub: istio.hub } : { hub: overlay.hub }),
      ...(overlay.tag !== undefined && { tag: overlay.tag }),
      components: {
        ingressGateways: [
          {
            name: GATEWAY_SERVICE,
            namespace: istio.namespace,
            enabled: true,
            label: { ...GATEWAY_SELECTOR, app: GATEWAY_SERVICE, [LABELS.network]: networks.cluster },
            k8s: {
              env: [{ name: 'ISTIO_META_REQUESTED_NETWORK_VIEW', value: networks.cluster }],
              ...(resources && { resources }),
              service: { ports: servicePorts(config) },
            },
          },
        ],
      },
      values: {
        gateways: { 'istio-ingressgateway': { injectionTemplate: 'gateway' } },
        global: {
          imagePullPolicy: 'IfNotPresent',
          ...overlay.global,
          istioNamespace: istio.namespace,
          meshID: istio.meshId,
          multiCluster: { ...fieldsAt(overlay.global, 'multiCluster'), clusterName: istio.cluster },
          network: networks.cluster,
        },
      },
    },
  };
}

/** Ports of the gateway's Service. */
export const servicePorts = ({ gateway }: Config): readonly ServicePort[] => [
  port('status-port', gateway.status),
  port('tls', { outside: MESH_PORT, inside: MESH_PORT }),
  port('tls-istiod', gateway.istiod),
  port('tls-webhook', gateway.webhook),
];

interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly targetPort: number;
}

function port(name: string, { outside, inside }: GatewayPort): ServicePort {
  return { name, port: outside, targetPort: inside };
}
