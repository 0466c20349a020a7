import { eastWestGateway, GATEWAY_SERVICE, servicePorts } from '../kube/manifests/east-west-gateway.ts';
import { gatewayOverlay } from '../kube/overlay/overlay.ts';
import { exposeIstiod, exposeServices, ISTIOD_GATEWAY } from '../kube/manifests/expose.ts';
import { recordOf, withRecord, toYaml } from '../kube/manifests/manifest.ts';
import { CliError } from '../errors/cli-error.ts';
import type { Finding, StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import type { Service } from '../kube/kinds.ts';
import { ofKind } from '../kube/object.ts';
import { createDeadline, type Deadline } from '../system/deadline.ts';
import { sha256 } from '../system/digest.ts';
import { applyObjects } from './apply.ts';
import {
  compareObjects,
  findObject,
  loadBalancerAddresses,
  loadBalancerNames,
  nodeAddress,
  podsBehind,
  requireClusterSnapshot,
  clusterSnapshot,
  type ClusterSnapshot,
} from './cluster-snapshot.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';
import { deploymentState } from './deployment-state.ts';
import { stoppedNodes } from './node-health.ts';
import { overlayText } from './istio.ts';
import { staleGateway } from './proxies.ts';
import { install, restartDeployments } from './rollout.ts';

const ADDRESS_MS = 180_000;
/**
 * How long a taken port, or a host name instead of an address, is tolerated until it counts as a failure: pods that are
 * being replaced keep their ports for some seconds.
 */
const OBSTACLE_MS = 8_000;

/** The east-west gateway, which exposes istiod and the services of the mesh. */
export function eastwestStep(lab: Lab): LabStep {
  const { config, system } = lab;
  const file = `${config.paths.manifests}/east-west-gateway.yaml`;
  /** The gateway's file, including the overlay's settings; and the exposed objects, with a record of that file. */
  const wanted = async () => {
    const overlay = gatewayOverlay(await overlayText(lab));
    const document = toYaml([eastWestGateway(config, overlay)]);
    const exposed = [...exposeIstiod(config), ...exposeServices(config)].map((object) =>
      object.metadata.name === ISTIOD_GATEWAY ? withRecord(object, sha256(document)) : object,
    );
    return { document, exposed };
  };
  const { namespace } = config.istio;

  return {
    id: 'eastwest',
    title: 'east-west gateway',
    // The gateway uses the first worker's address.
    needs: ['istio', 'k3s-agent-1'],
    command: 'eastwest',
    tools: ['kubectl'],
    expectMs: 20_000,

    async check(context): Promise<Finding> {
      const { document, exposed } = await wanted();
      const view = await clusterSnapshot(lab, context);
      const service = findObject(view, 'Service', GATEWAY_SERVICE, namespace);
      if (service === undefined) return { missing: view.unreachable ?? `no Service ${namespace}/${GATEWAY_SERVICE}` };
      if (recordOf(findObject(view, 'Gateway', ISTIOD_GATEWAY, namespace)) !== sha256(document))
        return { drifted: 'the gateway was installed with other ports or settings' };
      const absent = servicePorts(config).filter(({ port }) => !portsOf(service).includes(port));
      if (absent.length > 0)
        return { drifted: `Service ${GATEWAY_SERVICE} has no port ${absent.map(({ port }) => port).join(', ')}` };
      const rollout = deploymentState(view, GATEWAY_SERVICE, namespace, await stoppedNodes(lab, context));
      if (rollout !== 'available') return { drifted: `gateway: ${rollout}` };
      if (podsBehind(view, service).length === 0)
        return { drifted: `Service ${namespace}/${GATEWAY_SERVICE} selects no pod` };
      const [stale] = staleGateway(view, config, GATEWAY_SERVICE);
      if (stale !== undefined) return { drifted: `${stale.name}: its proxy has ${stale.why}` };
      const objects = compareObjects(view, exposed);
      if (objects !== 'ready') return objects;
      return loadBalancerAddresses(service).includes(expectedGatewayAddress(lab, view) ?? '')
        ? 'ready'
        : { drifted: 'the gateway has no address yet' };
    },

    async apply(context) {
      const { document, exposed } = await wanted();
      await system.files.write(file, document, 0o644);
      await system.files.write(`${config.paths.manifests}/expose.yaml`, toYaml(exposed), 0o644);
      context.say('istioctl install: east-west gateway');
      await install(lab, context, [file], GATEWAY_SERVICE);
      context.say(`exposing istiod-${config.istio.revision} and the mesh's services`);
      await applyObjects(lab, context, exposed);
      await restartDeployments(
        lab,
        context,
        namespace,
        staleGateway(await requireClusterSnapshot(lab, context), config, GATEWAY_SERVICE),
      );
      await waitForAddress(lab, context);
    },
  };
}

/**
 * The address at which the workload VM reaches the gateway. The load balancer of k3s answers on every node. We always
 * use the first worker's address, so that it is known before the gateway exists (docs/facts/k3s.md 4.2).
 */
export function expectedGatewayAddress(lab: Lab, view: ClusterSnapshot): string | undefined {
  const node = findObject(view, 'Node', lab.config.k3s.workerNames[0] ?? lab.config.k3s.master);
  return nodeAddress(node);
}

/** Waits for the address; an obstacle that lasts longer than a rollout does not go away by itself. */
async function waitForAddress(lab: Lab, context: StepContext): Promise<void> {
  const { namespace } = lab.config.istio;
  const { clock } = lab.system;
  let obstructed: Deadline | undefined;
  await waitUntil({
    clock,
    signal: context.signal,
    say: context.say,
    what: 'the address of the east-west gateway',
    deadlineMs: ADDRESS_MS,
    intervalMs: 2_000,
    hint: `Look at \`kubectl --kubeconfig ${lab.config.paths.kubeconfig} -n kube-system get pods\` for svclb pods that are not running.`,
    probe: async () => {
      lab.kubectl.forget();
      const view = await clusterSnapshot(lab, context);
      const service = findObject(view, 'Service', GATEWAY_SERVICE, namespace);
      const addresses = loadBalancerAddresses(service);
      const expected = expectedGatewayAddress(lab, view);
      if (expected !== undefined && addresses.includes(expected)) return { ready: expected };
      const obstacle = obstacleTo(view, service, namespace);
      if (obstacle === undefined) {
        obstructed = undefined;
        return {
          pending: addresses.length === 0 ? 'no address yet' : `has ${addresses.join(', ')}, not yet ${expected ?? ''}`,
        };
      }
      obstructed ??= createDeadline(clock, OBSTACLE_MS);
      return obstructed.left() === 0 ? { failed: obstacle.error } : { pending: obstacle.text };
    },
  });
}

/** What prevents the address, and the error to report when it lasts. */
function obstacleTo(
  view: ClusterSnapshot,
  service: Service | undefined,
  namespace: string,
): { readonly text: string; readonly error: CliError } | undefined {
  const clash = portClash(view, GATEWAY_SERVICE, namespace);
  if (clash !== undefined) {
    return {
      text: clash,
      error: new CliError('port-conflict', {
        message: `The east-west gateway gets no address: ${clash}.`,
        hint: 'Give the gateway other ports (EWG_PORT_STATUS, EWG_PORT_TLS_ISTIOD, EWG_PORT_TLS_WEBHOOK), or remove the other Service; then re-run the same command.',
      }),
    };
  }
  const [hostName] = loadBalancerNames(service);
  if (hostName === undefined) return undefined;
  return {
    text: `it has a host name, ${hostName}, and no address`,
    error: new CliError('timed-out', {
      message: `The load balancer of this cluster gives the east-west gateway a host name, ${hostName}, and no address.`,
      hint: 'The workload VM needs an address. Remove the load balancer that runs beside the one of k3s; then re-run the same command.',
    }),
  };
}

/**
 * Names the Services that use a port of this one. The Service itself does not show it; its load balancer pods stay
 * Pending (docs/facts/k3s.md 4.3).
 */
export function portClash(view: ClusterSnapshot, name: string, namespace: string): string | undefined {
  const service = findObject(view, 'Service', name, namespace);
  const stuck = ofKind(view.objects, 'Pod').some(
    ({ metadata, status }) =>
      metadata.labels?.['svccontroller.k3s.cattle.io/svcname'] === name &&
      status?.phase === 'Pending' &&
      JSON.stringify(status).includes("didn't have free ports"),
  );
  if (service === undefined || !stuck) return undefined;
  const mine = portsOf(service);
  const clashes = ofKind(view.objects, 'Service')
    .filter((other) => other !== service && other.spec?.type === 'LoadBalancer')
    .flatMap((other) =>
      portsOf(other)
        .filter((port) => mine.includes(port))
        .map((port) => `port ${port} is held by Service ${other.metadata.namespace ?? ''}/${other.metadata.name}`),
    );
  return clashes.length > 0 ? clashes.join(', ') : 'a port is taken on the nodes';
}

function portsOf(service: Service): readonly number[] {
  return (service.spec?.ports ?? []).map(({ port }) => port);
}
