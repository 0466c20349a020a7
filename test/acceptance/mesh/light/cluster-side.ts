import { readFile } from 'node:fs/promises';
import {
  fixWorkloadFiles,
  istiodHost,
  type FixedWorkloadFiles,
  type WorkloadFiles,
} from '../../../../src/guest/workload-files.ts';
import { GATEWAY_SERVICE } from '../../../../src/kube/manifests/east-west-gateway.ts';
import { exposeIstiod, exposeServices, networkNamespace } from '../../../../src/kube/manifests/expose.ts';
import { routeObjects, workloadGroup, workloadObjects } from '../../../../src/kube/manifests/workload.ts';
import { SAMPLE_NAMESPACE, sampleObjects } from '../../../../src/kube/manifests/sample.ts';
import { configureWorkloadCommand } from '../../../../src/tools/istioctl-argv.ts';
import type { Checks } from './checks.ts';
import {
  addEndpoint,
  exposeGateway,
  installControlPlane,
  installGateway,
  routeWebhooks,
  startIstiod,
} from './control-plane.ts';
import { apply, istiodName, writeManifest, type LightLab } from './lab.ts';
import { BRIDGE, type Place } from './place.ts';
import { createPod, proxyReady, startProxy, type Pod } from './pod.ts';
import { runCommand, start, until } from './processes.ts';

/** Addresses of the places; the bridge has 192.168.64.2. */
export const ADDRESSES = {
  gateway: '192.168.64.3',
  vm: '192.168.64.4',
  vmNftAlone: '192.168.64.5',
  helloworld: '192.168.64.10',
} as const;

/** The places on the cluster's side of the mesh. */
export interface ClusterSide {
  readonly gateway: Place;
  readonly helloworld: Place;
}

/** Installs control plane, gateway and sample application with the manifests and command lines of `up`. */
export async function bringUpCluster(lab: LightLab, checks: Checks): Promise<ClusterSide> {
  const { config, shipped } = lab;
  const { namespace } = config.istio;
  await checks.need('istioctl installs the control plane', () => installControlPlane(lab));
  await checks.need('istiod is ready', () => startIstiod(lab));
  await addEndpoint(lab, namespace, istiodName(lab), BRIDGE.address);
  await routeWebhooks(lab);
  await checks.need('istioctl installs the east-west gateway', () => installGateway(lab));
  const objects = {
    'the namespace of the control plane': [networkNamespace(config)],
    'istiod and the services behind the gateway': [...exposeIstiod(config), ...exposeServices(config)],
    'the workload group': workloadObjects(config, config.workloads[0]),
    'the sample application': sampleObjects(config, shipped.versions),
    'the Service of the VM': routeObjects(config, config.workloads[0]),
  };
  for (const [title, each] of Object.entries(objects))
    await checks.need(`API server and istiod accept ${title}`, () => apply(lab, each));
  await lab.cluster.api.create('/api/v1/nodes', { metadata: { name: 'node' } });
  // The light mesh has no service account controller, which would create it.
  await lab.cluster.api.create(`/api/v1/namespaces/${SAMPLE_NAMESPACE}/serviceaccounts`, {
    metadata: { name: 'default' },
  });
  const [gateway, helloworld] = await Promise.all([startGateway(lab, checks), startHelloworld(lab, checks)]);
  await checks.need('the east-west gateway is ready', () => proxyReady(gateway.place));
  await checks.need('helloworld with its sidecar is ready', () => proxyReady(helloworld.place));
  return { gateway: gateway.place, helloworld: helloworld.place };
}

async function startGateway(lab: LightLab, checks: Checks): Promise<Pod> {
  const { namespace } = lab.config.istio;
  const input = { namespace, deployment: GATEWAY_SERVICE, address: ADDRESSES.gateway };
  const pod = await checks.need('istiod injects the gateway', async () => injected(await createPod(lab, input)));
  await addEndpoint(lab, namespace, GATEWAY_SERVICE, ADDRESSES.gateway, pod.object.metadata.name);
  for (const { port, targetPort = port } of await exposeGateway(lab, ADDRESSES.gateway)) {
    const rule = `iptables-nft -t nat -A PREROUTING -p tcp --dport ${port} -j REDIRECT --to-ports ${targetPort}`;
    if (port !== targetPort) await pod.place.sh(rule);
  }
  await startProxy(lab, pod);
  return pod;
}

async function startHelloworld(lab: LightLab, checks: Checks): Promise<Pod> {
  const input = {
    namespace: SAMPLE_NAMESPACE,
    deployment: 'helloworld-v1',
    address: ADDRESSES.helloworld,
    application: lab.programs.helloworld,
  };
  const pod = await checks.need('istiod injects helloworld', async () => injected(await createPod(lab, input)));
  await addEndpoint(lab, SAMPLE_NAMESPACE, 'helloworld', ADDRESSES.helloworld, pod.object.metadata.name);
  // The machine must reach pods only through the gateway.
  for (const address of [ADDRESSES.vm, ADDRESSES.vmNftAlone])
    await pod.place.sh(`iptables-nft -A INPUT -s ${address} -p tcp --syn -j REJECT`);
  await startProxy(lab, pod);
  const application = [
    'setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    '--',
    '/usr/local/bin/application',
  ];
  start([...pod.place.enter, ...application], {
    log: `${lab.directory}/helloworld.log`,
    env: { SERVICE_VERSION: 'v1', PATH: '/usr/bin:/bin' },
  });
  return pod;
}

function injected(pod: Pod): Pod {
  if (pod.object.metadata.annotations?.['sidecar.istio.io/status'] === undefined)
    throw new Error(`pod ${pod.object.metadata.name} has no annotation sidecar.istio.io/status`);
  return pod;
}

const FILE_NAMES: Readonly<Record<keyof WorkloadFiles, string>> = {
  clusterEnv: 'cluster.env',
  meshYaml: 'mesh.yaml',
  rootCert: 'root-cert.pem',
  token: 'istio-token',
  hosts: 'hosts',
};

/** The five files of `istioctl x workload entry configure`, with the corrections of the product. */
export async function workloadFiles(lab: LightLab, checks: Checks, vmAddress: string): Promise<WorkloadFiles> {
  const { config, cluster, istio, directory } = lab;
  const outputDir = `${directory}/workload-files-${vmAddress}`;
  const groupFile = await writeManifest(lab, 'workload-group', [workloadGroup(config, config.workloads[0])]);
  const { namespace } = config.workloads[0];
  await checks.need(`istiod gives namespace ${namespace} its root certificate`, () =>
    until('ConfigMap istio-ca-root-cert', 30, () =>
      cluster.api.get(`/api/v1/namespaces/${namespace}/configmaps/istio-ca-root-cert`),
    ),
  );
  const { gateway } = ADDRESSES;
  return checks.need('istioctl configures the workload entry', async () => {
    const request = { groupFile, outputDir, ingressIp: gateway, internalIp: vmAddress };
    const ids = { clusterId: config.istio.cluster, revision: config.istio.revision };
    await runCommand(
      configureWorkloadCommand(
        { ...cluster, file: istio.istioctl, istioNamespace: config.istio.namespace },
        request,
        ids,
      ),
    );
    const read = await Promise.all(
      Object.entries(FILE_NAMES).map(async ([key, name]) => [key, await readFile(`${outputDir}/${name}`, 'utf8')]),
    );
    const [workload] = config.workloads;
    const fixes = { fixCa: true, fixPilot: true, gatewayAddress: gateway, vmAddress, workload };
    const fixed: FixedWorkloadFiles = fixWorkloadFiles(Object.fromEntries(read) as WorkloadFiles, config, fixes);
    if (fixed.problems.length > 0) throw new Error(fixed.problems.join('\n'));
    if (!fixed.files.hosts.includes(istiodHost(config))) throw new Error('hosts does not name istiod');
    return fixed.files;
  });
}
