import { GATEWAY_SERVICE, MESH_PORT } from '../kube/manifests/east-west-gateway.ts';
import { judgeImage } from '../kube/image-tag.ts';
import { DESTINATION_RULE, MESH_CLIENT, SAMPLE_DEPLOYMENTS, SAMPLE_NAMESPACE } from '../kube/manifests/sample.ts';
import {
  findObject,
  hasCondition,
  loadBalancerAddresses,
  readyPodsBehind,
  runningPods,
  sidecarRevision,
  type ClusterSnapshot,
} from '../steps/cluster-snapshot.ts';
import { expectedGatewayAddress, portClash } from '../steps/eastwest.ts';
import type { Lab } from '../steps/lab.ts';
import { CLUSTER_DNS, nodeIsReady } from '../steps/node-health.ts';
import { deploymentState } from '../steps/deployment-state.ts';
import type { Deployment, Pod, Service } from '../kube/kinds.ts';
import { isKind, ofKind } from '../kube/object.ts';
import { fail, pass, type Check, type CheckContext, type Verdict } from './check.ts';
import { isBooting, RETRY_MS } from './retry.ts';
import { clusterSnapshotFor } from './snapshot.ts';

const PAUSE_MS = 2_000;

export const nodes: Check = {
  name: 'nodes',
  title: 'all nodes are Ready, and cluster DNS is available',
  needs: [],
  commands: ['k3s'],
  async run(lab, context) {
    const { clock } = lab.system;
    const until = context.deadline ?? clock.now() + RETRY_MS;
    for (;;) {
      const { verdict, pending } = await checkNodes(lab, context);
      if (verdict.ok || pending === undefined || clock.now() >= until) return verdict;
      context.say(`waiting for the nodes: ${pending}`);
      await clock.sleep(Math.min(PAUSE_MS, until - clock.now()), context.signal);
      lab.machines.forget();
      lab.kubectl.forget();
    }
  },
};

/**
 * The verdict on the nodes, and the part of it that may resolve itself: a node whose machine runs may just have booted.
 */
async function checkNodes(lab: Lab, context: CheckContext): Promise<{ verdict: Verdict; pending?: string }> {
  const { master, workerNames, version } = lab.config.k3s;
  const names = [master, ...workerNames];
  const machines = await lab.machines.all(context);
  const machineOf = (name: string) => machines.find((machine) => machine.name === name);
  const view = await clusterSnapshotFor(lab, context);
  if (view.unreachable !== undefined) {
    const mayCome = machineOf(master)?.state === 'running' || isBooting(machineOf(master));
    return {
      verdict: fail(view.unreachable),
      ...(mayCome && isKnown(view.unreachable) && { pending: view.unreachable }),
    };
  }
  const late = names.filter((name) => !nodeIsReady(view, name, version));
  if (late.length === 0) return checkDns(view, `${names.join(', ')} with ${version}`);
  const why = (name: string): string => {
    const machine = machineOf(name);
    if (machine === undefined) return `${name} (no such machine)`;
    return machine.state === 'running' ? name : `${name} (its machine is ${machine.state})`;
  };
  // Checks can still test what runs on the other nodes.
  const verdict = fail(`not Ready with ${version}: ${late.map(why).join(', ')}`, { blocks: [] });
  const comes = (name: string): boolean => {
    const machine = machineOf(name);
    const node = findObject(view, 'Node', name);
    return isBooting(machine) || (machine?.state === 'running' && node !== undefined && !hasCondition(node, 'Ready'));
  };
  return late.every(comes) ? { verdict, pending: `${late.join(', ')} not Ready yet` } : { verdict };
}

/** The verdict on cluster DNS, without which no pod can resolve a Service; the VM's sidecar resolves names itself. */
function checkDns(view: ClusterSnapshot, nodesEvidence: string): { verdict: Verdict; pending?: string } {
  const { name, namespace } = CLUSTER_DNS;
  const state = deploymentState(view, name, namespace);
  if (state === 'available') return { verdict: pass(nodesEvidence) };
  const verdict = fail(`${name}: ${state}; ${nodesEvidence}`, { blocks: ['mesh-to-vm'] });
  const deployment = findObject(view, 'Deployment', name, namespace);
  // A Deployment without pods stays unavailable; others may be starting, e.g. after a reboot.
  return deployment === undefined || isScaledToZero(deployment)
    ? { verdict }
    : { verdict, pending: `${name}: ${state}` };
}

/** Whether the API may become reachable: without a kubeconfig, or with one for another address, waiting cannot help. */
const isKnown = (why: string): boolean => !/no kubeconfig|the kubeconfig names/.test(why);

export const versions: Check = {
  name: 'versions',
  title: 'istioctl and the control plane have the expected version',
  needs: ['nodes'],
  commands: ['istioctl', 'istio'],
  async run(lab, context) {
    const { version, revision, namespace } = lab.config.istio;
    const client = await lab.istioctl.version(context);
    const view = await clusterSnapshotFor(lab, context);
    const serving = readyPodsBehind(view, findObject(view, 'Service', `istiod-${revision}`, namespace));
    // The running pods if there are any; otherwise the Deployment.
    const sources = serving.length > 0 ? serving : [findObject(view, 'Deployment', `istiod-${revision}`, namespace)];
    const planes = sources.map((source) => judgeImage(imageOf(source), version));
    const shown = [...new Set(planes.map((plane) => plane.shown))].join(' and ');
    const evidence = `istioctl ${client ?? 'not found'}, istiod ${shown}`;
    return client === version && planes.every(({ ok }) => ok)
      ? pass(evidence)
      : fail(evidence, { look: kubectlGetHint(lab, namespace, 'pods') });
  },
};

export const istiod: Check = {
  name: 'istiod',
  title: 'istiod is available, and its revision tag exists',
  needs: ['nodes'],
  commands: ['istio'],
  async run(lab, context) {
    const { revision, namespace } = lab.config.istio;
    const view = await clusterSnapshotFor(lab, context);
    const name = `istiod-${revision}`;
    const service = findObject(view, 'Service', name, namespace);
    const clusterIp = clusterIpOf(service);
    const tag = ofKind(view.objects, 'MutatingWebhookConfiguration').find(
      ({ metadata }) => metadata.labels?.['istio.io/tag'] === 'default',
    )?.metadata.labels?.['istio.io/rev'];
    const evidence = `${name} at ${clusterIp ?? 'no address'}, tag default → ${tag ?? 'none'}`;
    const { problem, serves, ...sure } = servingState(view, name, service, namespace);
    if (problem !== undefined || clusterIp === undefined) {
      const blocks = serves && clusterIp !== undefined ? { blocks: [] } : {};
      const what = problem === undefined ? evidence : `${problem}; ${evidence}`;
      return fail(what, { look: kubectlGetHint(lab, namespace, 'pods'), ...blocks, ...sure });
    }
    return tag === revision
      ? pass(evidence)
      : fail(evidence, { look: kubectlGetHint(lab, undefined, 'mutatingwebhookconfigurations'), blocks: [] });
  },
};

export const gateway: Check = {
  name: 'gateway',
  title: 'the east-west gateway serves at its address and ports',
  needs: ['nodes'],
  explainedBy: ['istiod'],
  commands: ['eastwest'],
  async run(lab, context) {
    const { namespace } = lab.config.istio;
    const view = await clusterSnapshotFor(lab, context);
    const service = findObject(view, 'Service', GATEWAY_SERVICE, namespace);
    const addresses = loadBalancerAddresses(service);
    const ports = (service?.spec?.ports ?? []).map(({ port }) => port);
    const wanted = [MESH_PORT, ...Object.values(lab.config.gateway).map((port) => port.outside)];
    const evidence = `${addresses.join(', ') || 'no address'}; ports ${ports.join(', ') || 'none'}`;
    const clash = portClash(view, GATEWAY_SERVICE, namespace);
    if (clash !== undefined)
      return fail(`${evidence}; ${clash}`, { hint: 'set other EWG_PORT_* values, then istio-vms eastwest' });
    const { problem, serves, ...sure } = servingState(view, GATEWAY_SERVICE, service, namespace);
    const reachable = addresses.includes(expectedGatewayAddress(lab, view) ?? '');
    const complete = wanted.every((port) => ports.includes(port));
    if (problem === undefined && reachable && complete) return pass(evidence);
    return fail(problem === undefined ? evidence : `${problem}; ${evidence}`, {
      look: kubectlGetHint(lab, namespace, 'pods,services'),
      ...sure,
      // Checks that only need the pods may still pass. Without an address, `health` is skipped, because its waits would
      // be wasted.
      ...(serves ? { blocks: reachable ? [] : ['health'] } : {}),
    });
  },
};

/** What is wrong with a Deployment and the pods behind its Service, and whether something still serves. */
function servingState(
  view: ClusterSnapshot,
  name: string,
  service: Service | undefined,
  namespace: string,
): { readonly problem?: string; readonly serves: boolean; readonly certain?: true } {
  const deployment = findObject(view, 'Deployment', name, namespace);
  const serves = readyPodsBehind(view, service).length > 0;
  if (deployment === undefined) return { problem: `no Deployment ${namespace}/${name}`, serves, certain: true };
  const state = deploymentState(view, name, namespace);
  if (isScaledToZero(deployment)) return { problem: `${name} is scaled to 0 (0 of 0 pods)`, serves, certain: true };
  if (state !== 'available') {
    const why = state.includes('pods') ? ` (${state})` : `: ${state}`;
    return { problem: `${name} is not available${why}`, serves };
  }
  if (service === undefined) return { problem: `no Service ${namespace}/${name}`, serves };
  return serves ? { serves } : { problem: `no ready pod behind Service ${namespace}/${name}`, serves };
}

function isScaledToZero(deployment: Deployment): boolean {
  return deployment.spec?.replicas === 0;
}

export const sample: Check = {
  name: 'sample',
  title: 'the sample application runs with sidecars',
  needs: ['nodes'],
  explainedBy: ['istiod'],
  commands: ['up'],
  usesSample: true,
  async run(lab, context) {
    const view = await clusterSnapshotFor(lab, context);
    const states = SAMPLE_DEPLOYMENTS.map((name) => [name, deploymentState(view, name, SAMPLE_NAMESPACE)] as const);
    const late = states.filter(([, state]) => state !== 'available');
    const at = { look: kubectlGetHint(lab, SAMPLE_NAMESPACE, 'pods') };
    if (late.length > 0) {
      // Without its client no request can be made; without one version of helloworld, the other still responds.
      const blocks = late.some(([name]) => name === MESH_CLIENT) ? {} : { blocks: [] };
      return fail(late.map(([name, state]) => `${name}: ${state}`).join('; '), { ...at, ...blocks });
    }
    const pods = runningPods(view, SAMPLE_NAMESPACE);
    const bare = pods.filter((pod) => sidecarRevision(pod) === undefined).map((pod) => pod.metadata.name);
    if (bare.length > 0) {
      return fail(`without a sidecar: ${bare.join(', ')}`, {
        look: `kubectl -n ${SAMPLE_NAMESPACE} rollout restart deployment`,
      });
    }
    if (findObject(view, 'DestinationRule', DESTINATION_RULE, SAMPLE_NAMESPACE) === undefined) {
      return fail(
        `no DestinationRule ${SAMPLE_NAMESPACE}/${DESTINATION_RULE}: connections would stick to one version`,
        {
          ...at,
          blocks: [],
        },
      );
    }
    return pass(`${pods.length} pods, each with a sidecar`);
  },
};

/** A command that shows objects in a namespace. */
export function kubectlGetHint(lab: Lab, namespace: string | undefined, kinds: string): string {
  const where = namespace === undefined ? '' : ` -n ${namespace}`;
  return `kubectl --kubeconfig ${lab.config.paths.kubeconfig}${where} get ${kinds}`;
}

/** The image of a pod, or of the pods that a Deployment creates. */
function imageOf(source: Pod | Deployment | undefined): string | undefined {
  if (source === undefined) return undefined;
  const spec = isKind(source, 'Pod') ? source.spec : source.spec?.template?.spec;
  return spec?.containers?.[0]?.image;
}

/** The Service's cluster address. */
export function clusterIpOf(service: Service | undefined): string | undefined {
  return service?.spec?.clusterIP;
}
