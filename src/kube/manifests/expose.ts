import type { Config } from '../../config/config.ts';
import { GATEWAY_SELECTOR, MESH_PORT } from './east-west-gateway.ts';
import { LABELS, labels, namespace, NETWORKING, type Manifest } from './manifest.ts';

export const ISTIOD_GATEWAY = 'istiod-gateway';
/** Ports of the istiod Service: xDS for proxies, and the injection webhook. Fixed in Istio's chart. */
const ISTIOD_SERVICE_PORT = 15012;
const WEBHOOK_SERVICE_PORT = 443;

/**
 * istiod of this revision on the gateway's external ports. Servers and matches use the ports of the Service, not the
 * target ports. The route goes to the revision's own Service, since an install with a revision creates no plain
 * `istiod` Service (docs/facts/istio-vm.md 3.3).
 */
export function exposeIstiod(config: Config): readonly Manifest[] {
  const { istio, gateway } = config;
  const name = `istiod-${istio.revision}.${istio.namespace}.svc`;
  const host = `${name}.cluster.local`;
  const routes = [
    { outside: gateway.istiod.outside, number: ISTIOD_SERVICE_PORT, portName: 'tls-istiod' },
    { outside: gateway.webhook.outside, number: WEBHOOK_SERVICE_PORT, portName: 'tls-istiodwebhook' },
  ];
  return [
    {
      apiVersion: NETWORKING,
      kind: 'Gateway',
      metadata: metadata(config, ISTIOD_GATEWAY),
      spec: {
        selector: GATEWAY_SELECTOR,
        servers: routes.map(({ outside, portName }) => ({
          port: { name: portName, number: outside, protocol: 'TLS' },
          tls: { mode: 'PASSTHROUGH' },
          hosts: ['*'],
        })),
      },
    },
    {
      apiVersion: NETWORKING,
      kind: 'VirtualService',
      metadata: metadata(config, `istiod-vs-${istio.revision}`),
      spec: {
        hosts: [name, host],
        gateways: [ISTIOD_GATEWAY],
        tls: routes.map(({ outside, number }) => ({
          match: [{ port: outside, sniHosts: [name, host] }],
          route: [{ destination: { host, port: { number } } }],
        })),
      },
    },
  ];
}

/** Exposes every service of the cluster's network on port 15443. */
export function exposeServices(config: Config): readonly Manifest[] {
  return [
    {
      apiVersion: NETWORKING,
      kind: 'Gateway',
      metadata: metadata(config, 'cross-network-gateway'),
      spec: {
        selector: GATEWAY_SELECTOR,
        servers: [
          {
            port: { name: 'tls', number: MESH_PORT, protocol: 'TLS' },
            tls: { mode: 'AUTO_PASSTHROUGH' },
            hosts: ['*.local'],
          },
        ],
      },
    },
  ];
}

/**
 * The control plane's namespace with its network label, as a partial object for server-side apply. The installer sets
 * the label only on a namespace that it creates itself (docs/facts/istio-vm.md 2.4).
 */
export function networkNamespace(config: Config): Manifest {
  return namespace(config, config.istio.namespace, { [LABELS.network]: config.networks.cluster });
}

function metadata(config: Config, name: string): Manifest['metadata'] {
  return { name, namespace: config.istio.namespace, labels: labels(config) };
}
