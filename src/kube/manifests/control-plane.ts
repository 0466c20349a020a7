import type { Config } from '../../config/config.ts';
import type { Manifest } from './manifest.ts';

/**
 * Requests of `LAB_SIZE=small`: a lab without load needs little, and istiod's own default is 2 GiB
 * (docs/facts/k3s.md 9).
 */
const SMALL = {
  istiod: { requests: { cpu: '100m', memory: '256Mi' } },
  proxy: { requests: { cpu: '10m', memory: '64Mi' } },
} as const;

/** Name of the control plane's IstioOperator file; Istio adds it as a label to what it installs. */
export const CONTROL_PLANE = 'istio-vms-control-plane';

/** Gateway that Istio's default profile installs; Deployment and Service. */
export const INGRESS_GATEWAY = 'istio-ingressgateway';

/** Label with the name of the IstioOperator file that an object was installed from. */
export const OWNER = 'install.operator.istio.io/owning-resource';

/**
 * IstioOperator file of the control plane. It always has a name: an install without a name prunes the gateway
 * (docs/facts/istio-vm.md 2.6).
 */
export function controlPlane(config: Config): Manifest {
  const { istio, networks } = config;
  const small = config.labSize === 'small';
  return {
    apiVersion: 'install.istio.io/v1alpha1',
    kind: 'IstioOperator',
    metadata: { name: CONTROL_PLANE, namespace: istio.namespace },
    spec: {
      revision: istio.revision,
      // The `hub` of an overlay comes later and takes precedence.
      ...(istio.hub !== undefined && { hub: istio.hub }),
      ...(small && { components: { pilot: { k8s: { resources: SMALL.istiod } } } }),
      values: {
        global: {
          istioNamespace: istio.namespace,
          meshID: istio.meshId,
          multiCluster: { clusterName: istio.cluster },
          network: networks.cluster,
          ...(small && { proxy: { resources: SMALL.proxy } }),
        },
        ...(small && { gateways: { 'istio-ingressgateway': { resources: SMALL.proxy } } }),
      },
    },
  };
}

/** Resources of a gateway in this lab; undefined keeps Istio's defaults. */
export function gatewayResources(config: Config): Readonly<Record<string, unknown>> | undefined {
  return config.labSize === 'small' ? SMALL.proxy : undefined;
}
