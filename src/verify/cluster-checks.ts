import { GATEWAY_SERVICE } from '../manifests/east-west-gateway.ts';
import { SAMPLE_DEPLOYMENTS, SAMPLE_NAMESPACE } from '../manifests/sample.ts';
import {
  findObject,
  loadBalancerAddresses,
  nodeIsReady,
  rolloutState,
  runningPods,
  sidecarRevision,
  viewCluster,
} from '../steps/cluster.ts';
import { expectedGatewayAddress, portClash } from '../steps/eastwest.ts';
import type { KubeObject } from '../tools/kube-object.ts';
import { fail, pass, type Check } from './check.ts';

export const nodes: Check = {
  name: 'nodes',
  title: 'all nodes are Ready',
  async run(lab) {
    const view = await viewCluster(lab);
    if (view.unreachable !== undefined) return fail(view.unreachable, 'istio-vms k3s');
    const names = [lab.config.k3s.master, ...lab.config.k3s.workerNames];
    const late = names.filter((name) => !nodeIsReady(view, name, lab.config.k3s.version));
    return late.length === 0
      ? pass(`${names.join(', ')} with ${lab.config.k3s.version}`)
      : fail(`not Ready with ${lab.config.k3s.version}: ${late.join(', ')}`, 'istio-vms k3s');
  },
};

export const versions: Check = {
  name: 'versions',
  title: 'istioctl and the control plane have the wanted version',
  async run(lab) {
    const { version, revision, namespace } = lab.config.istio;
    const client = await lab.istioctl.version();
    const view = await viewCluster(lab);
    const istiod = findObject(view, 'Deployment', `istiod-${revision}`, namespace);
    const plane = imageOf(istiod)?.split(':').at(-1);
    const evidence = `istioctl ${client ?? 'not there'}, istiod ${plane ?? 'not there'}`;
    return client === version && plane === version ? pass(evidence) : fail(evidence, 'istio-vms istio');
  },
};

export const istiod: Check = {
  name: 'istiod',
  title: 'the istiod Service and its revision tag are there',
  async run(lab) {
    const { revision, namespace } = lab.config.istio;
    const view = await viewCluster(lab);
    const clusterIp = clusterIpOf(findObject(view, 'Service', `istiod-${revision}`, namespace));
    const tag = view.objects.find(
      (object) =>
        object.kind === 'MutatingWebhookConfiguration' && object.metadata.labels?.['istio.io/tag'] === 'default',
    )?.metadata.labels?.['istio.io/rev'];
    const evidence = `istiod-${revision} at ${clusterIp ?? 'no address'}, tag default → ${tag ?? 'none'}`;
    return clusterIp !== undefined && tag === revision ? pass(evidence) : fail(evidence, 'istio-vms istio');
  },
};

export const gateway: Check = {
  name: 'gateway',
  title: 'the east-west gateway has an address and its ports',
  async run(lab) {
    const { namespace } = lab.config.istio;
    const view = await viewCluster(lab);
    const service = findObject(view, 'Service', GATEWAY_SERVICE, namespace);
    const addresses = loadBalancerAddresses(service);
    const spec = service?.['spec'] as { ports?: { port: number }[] } | undefined;
    const ports = (spec?.ports ?? []).map((port) => port.port);
    const wanted = [15443, ...Object.values(lab.config.gateway).map((port) => port.outside)];
    const evidence = `${addresses.join(', ') || 'no address'}; ports ${ports.join(', ') || 'none'}`;
    const clash = portClash(view, GATEWAY_SERVICE, namespace);
    if (clash !== undefined)
      return fail(`${evidence}; ${clash}`, 'set other EWG_PORT_* values, then istio-vms eastwest');
    const reachable = addresses.includes(expectedGatewayAddress(lab, view) ?? '');
    return reachable && wanted.every((port) => ports.includes(port))
      ? pass(evidence)
      : fail(evidence, 'istio-vms eastwest');
  },
};

export const sample: Check = {
  name: 'sample',
  title: 'the sample application runs, injected',
  usesSample: true,
  async run(lab) {
    const view = await viewCluster(lab);
    const states = SAMPLE_DEPLOYMENTS.map((name) => [
      name,
      rolloutState(findObject(view, 'Deployment', name, SAMPLE_NAMESPACE)),
    ]);
    const late = states.filter(([, state]) => state !== 'available');
    if (late.length > 0) return fail(late.map(([name, state]) => `${name}: ${state}`).join('; '), 'istio-vms up');
    const pods = runningPods(view, SAMPLE_NAMESPACE);
    const bare = pods.filter((pod) => sidecarRevision(pod) === undefined).map((pod) => pod.metadata.name);
    return bare.length === 0
      ? pass(`${pods.length} pods, each with a sidecar`)
      : fail(`without a sidecar: ${bare.join(', ')}`, `kubectl -n ${SAMPLE_NAMESPACE} rollout restart deployment`);
  },
};

function imageOf(deployment: KubeObject | undefined): string | undefined {
  const spec = deployment?.['spec'] as { template?: { spec?: { containers?: { image?: string }[] } } } | undefined;
  return spec?.template?.spec?.containers?.[0]?.image;
}

/** The Service's cluster address. */
export function clusterIpOf(service: KubeObject | undefined): string | undefined {
  return (service?.['spec'] as { clusterIP?: string } | undefined)?.clusterIP;
}
