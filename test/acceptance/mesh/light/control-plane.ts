import { mkdir } from 'node:fs/promises';
import { istiodHost } from '../../../../src/guest/workload-files.ts';
import { controlPlane } from '../../../../src/kube/manifests/control-plane.ts';
import { eastWestGateway, GATEWAY_SERVICE } from '../../../../src/kube/manifests/east-west-gateway.ts';
import type { Manifest } from '../../../../src/kube/manifests/manifest.ts';
import { installCommand } from '../../../../src/tools/istioctl-argv.ts';
import { istiodName, writeManifest, type LightLab } from './lab.ts';
import { BRIDGE } from './place.ts';
import { run, runCommand, start, until } from './processes.ts';

/** Keeps istiod from sending Istio's own filters, which the upstream Envoy lacks. */
const UPSTREAM_ENVOY = {
  PILOT_ENABLE_METADATA_EXCHANGE: 'false',
  PILOT_ENABLE_ALPN_FILTER: 'false',
  PILOT_DISABLE_MX_ALPN: 'true',
} as const;

const OVERLAY: Manifest = {
  apiVersion: 'install.istio.io/v1alpha1',
  kind: 'IstioOperator',
  metadata: { name: 'rig' },
  spec: {
    values: {
      global: { imagePullPolicy: 'IfNotPresent' },
      pilot: { env: UPSTREAM_ENVOY },
      telemetry: { enabled: false },
    },
  },
};

/** `istioctl install` of the control plane, as the product calls it. */
export async function installControlPlane(lab: LightLab): Promise<void> {
  const own = await writeManifest(lab, 'control-plane', [controlPlane(lab.config)]);
  const overlay = await writeManifest(lab, 'overlay', [OVERLAY]);
  await runCommand(
    installCommand({ ...lab.cluster, file: lab.istio.istioctl, istioNamespace: lab.config.istio.namespace }, [
      own,
      overlay,
    ]),
  );
}

/** `istioctl install` of the east-west gateway, as the product calls it. */
export async function installGateway(lab: LightLab): Promise<void> {
  const own = await writeManifest(lab, 'east-west-gateway', [eastWestGateway(lab.config)]);
  await runCommand(
    installCommand({ ...lab.cluster, file: lab.istio.istioctl, istioNamespace: lab.config.istio.namespace }, [own]),
  );
}

/** Starts istiod with the settings of its Deployment, in our network namespace, and waits until it is ready. */
export async function startIstiod(lab: LightLab): Promise<void> {
  const { istio, config, cluster, directory } = lab;
  const { namespace, revision } = config.istio;
  const cwd = `${directory}/istiod`;
  await mkdir(cwd, { recursive: true });
  const env = {
    ...UPSTREAM_ENVOY,
    PATH: process.env['PATH'] ?? '',
    REVISION: revision,
    PILOT_CERT_PROVIDER: 'istiod',
    POD_NAME: `${istiodName(lab)}-0`,
    POD_NAMESPACE: namespace,
    SERVICE_ACCOUNT: istiodName(lab),
    CLUSTER_ID: config.istio.cluster,
    CA_TRUSTED_NODE_ACCOUNTS: `${namespace}/ztunnel`,
    PILOT_ENABLE_ANALYSIS: 'false',
  };
  const argv = [
    ...[istio.pilotDiscovery, 'discovery', '--kubeconfig', cluster.kubeconfig, '--monitoringAddr=:15014'],
    ...['--log_output_level=default:info', '--domain', 'cluster.local', '--keepaliveMaxServerConnectionAge', '30m'],
  ];
  start(argv, { log: `${directory}/istiod.log`, cwd, env });
  await until('istiod', 120, async () => (await run('curl', '-sf', 'http://127.0.0.1:8080/ready'), true));
}

/** Replaces kube-proxy for the API server's calls of istiod's webhooks. */
export async function routeWebhooks(lab: LightLab): Promise<void> {
  const { namespace } = lab.config.istio;
  const service = await lab.cluster.api.get(`/api/v1/namespaces/${namespace}/services/${istiodName(lab)}`);
  await run('ip', 'route', 'add', '10.43.0.0/16', 'dev', BRIDGE.name);
  const rule = ['-t', 'nat', '-A', 'OUTPUT', '-d', service['spec'].clusterIP as string, '-p', 'tcp', '--dport', '443'];
  await run('iptables-nft', ...rule, '-j', 'DNAT', '--to-destination', `${BRIDGE.address}:15017`);
}

/** Line of /etc/hosts that resolves istiod in the cluster's places. */
export const istiodLine = (lab: LightLab): string => `${BRIDGE.address} ${istiodHost(lab.config)}\n`;

/** Replaces the EndpointSlice controller: adds one endpoint to a Service. */
export async function addEndpoint(
  { cluster }: LightLab,
  namespace: string,
  service: string,
  address: string,
  pod?: string,
): Promise<void> {
  const { spec } = await cluster.api.get(`/api/v1/namespaces/${namespace}/services/${service}`);
  const ports = (spec.ports as ServicePort[]).map(({ name, port, targetPort }) => ({ name, port: targetPort ?? port }));
  const target = pod === undefined ? {} : { targetRef: { kind: 'Pod', name: pod, namespace } };
  await cluster.api.create(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
    metadata: { name: `${service}-rig`, namespace, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports,
    endpoints: [{ addresses: [address], conditions: { ready: true }, ...target }],
  });
}

interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly targetPort?: number;
}

/** Replaces ServiceLB: sets the external address of the gateway's Service and returns its ports. */
export async function exposeGateway(lab: LightLab, address: string): Promise<readonly ServicePort[]> {
  const path = `/api/v1/namespaces/${lab.config.istio.namespace}/services/${GATEWAY_SERVICE}`;
  const service = await lab.cluster.api.patch(`${path}/status`, {
    status: { loadBalancer: { ingress: [{ ip: address }] } },
  });
  return service['spec'].ports as ServicePort[];
}
