import type { Config, GatewayPort } from '../../config/config.ts';
import { fieldsAt } from '../overlay/fields.ts';
import { gatewayResources } from './control-plane.ts';
import { LABELS, type Manifest } from './manifest.ts';

/** What of a user's IstioOperator file the gateway's install gets too. */
export interface GatewayOverlay {
  readonly hub?: unknown;
  readonly tag?: unknown;
  /** `spec.values.global`: image policy, pull secrets, hub, tag, proxy, logging, … */
  readonly global: Readonly<Record<string, unknown>>;
}

/** Name of its IstioOperator file, which labels what it installs. */
export const EAST_WEST = 'eastwest';
/** Name of the gateway's Deployment and Service. */
export const GATEWAY_SERVICE = 'istio-eastwestgateway';
/** Label by which Gateway objects choose it. */
export const GATEWAY_SELECTOR = { istio: 'eastwestgateway' } as const;
/**
 * Service traffic, routed by SNI; the number is Istio's own and the same on both sides (docs/facts/istio-vm.md 3.6).
 */
export const MESH_PORT = 15443;

/**
 * IstioOperator file of the east-west gateway: what `gen-eastwest-gateway.sh` prints, with the outside ports of this lab
 * and the lab's namespace, and no script from the network (docs/facts/istio-vm.md 3.1, 3.2).
 *
 * Its pod says `image: auto`, for which Kubernetes would pull always; the policy stands here because that of the control
 * plane's install does not reach this one (docs/facts/real-mesh.md 6.1). An overlay's `hub`, `tag` and `values.global`
 * do.
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
