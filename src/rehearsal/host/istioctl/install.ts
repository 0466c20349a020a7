import { istioRow } from '../../../config/versions.ts';
import { ApiError } from '../../cluster/api-error.ts';
import { istioKinds } from '../../cluster/kinds.ts';
import { podObjects, type SimulatedCluster } from '../../cluster/kube.ts';
import { matchesMap } from '../../cluster/selectors.ts';
import { condition, type Deployment, type Pod } from '../../cluster/shapes.ts';
import { ISTIO_COMPONENT, ISTIO_CRDS } from '../../durations.ts';
import { consumeFault } from '../../fault-state.ts';
import type { HostCall, KubeObject, ProgramResult } from '../../world.ts';
import { activate } from '../kubectl/apply.ts';
import { flag, parseArgs } from '../kubectl/args.ts';
import { istioError, minorOf, refused } from './call.ts';
import { CLUSTER_FLAGS, dial, VERSION_REQUEST } from './dial.ts';
import { OperatorError, readOperators } from './operator-file.ts';
import { planInstall, type GatewayPlan, type InstallPlan } from './plan.ts';
import { settleTags, tagsAndPlanes } from './default-tag.ts';
import { prune } from './prune.ts';
import { gatewayObjects, istiodObjects, MANAGER, webhookObjects } from './render.ts';

const POLL_MS = 1_000;

const COMPONENTS = {
  base: { name: 'Istio core', icon: '⛵️' },
  pilot: { name: 'Istiod', icon: '🧠' },
  gateways: { name: 'Ingress gateways', icon: '🛬' },
} as const;

/** ASCII art of a boat, printed first. */
const BANNER = [
  '',
  '        |\\',
  '        | \\',
  '        |  \\',
  '      /||   \\',
  '    /  ||    \\',
  '  ____||______\\',
  '  \\__________/',
  '',
];

/**
 * `istioctl install`: renders, applies, waits for Deployments but not for addresses (docs/facts/istio-vm.md 2.7).
 * Progress is on stderr; the install continues after a component that fails (docs/facts/real-mesh.md 6.3, 6.14).
 */
export async function install(call: HostCall, version: string, args: readonly string[]): Promise<ProgramResult> {
  const parsed = parseArgs(args, {
    ...CLUSTER_FLAGS,
    '--filename': 'value',
    '--skip-confirmation': 'switch',
    '--readiness-timeout': 'value',
  });
  if ('unknown' in parsed) return refused(parsed.unknown);
  if (parsed.words[0] !== undefined) return refused(parsed.words[0]);
  const seconds = /^(\d+)s$/.exec(flag(parsed, '--readiness-timeout') ?? '300s')?.[1];
  if (seconds === undefined) return refused('--readiness-timeout');
  const connection = await dial(call, parsed, VERSION_REQUEST);
  if ('failure' in connection) return connection.failure;
  for (const line of BANNER) call.tell?.(line);
  const warning = oldKubernetes(call, connection.cluster, version);
  let plan: InstallPlan;
  try {
    const operator = await readOperators(call.files, parsed.flags.get('--filename') ?? [], minorOf(version) >= 24);
    plan = planInstall(call.world, version, operator);
  } catch (error) {
    if (error instanceof OperatorError) return { ...istioError(error.message), stdout: warning };
    throw error;
  }
  if (!parsed.flags.has('--skip-confirmation')) {
    return {
      exitCode: 1,
      stdout: `${warning}This will install the Istio ${version} profile into the cluster. Proceed? (y/N) Cancelled.\n`,
    };
  }
  return { ...(await perform(call, connection.cluster, plan, Number(seconds) * 1000)), stdout: warning };
}

/** A Kubernetes that is too old gives a warning on stdout, and the install continues. */
function oldKubernetes({ world }: HostCall, cluster: SimulatedCluster, version: string): string {
  const floor = istioRow(version, world.shipped.versions)?.kubernetesFloor ?? '1.25';
  const running = /^v1\.(\d+)/.exec(cluster.version)?.[1] ?? '0';
  if (Number(running) >= Number(floor.split('.')[1])) return '';
  return (
    `\nThe Kubernetes version ${cluster.version} is not supported by Istio ${version}. The minimum supported Kubernetes version is ${floor}.\n` +
    'Proceeding with the installation, but you might experience problems. ' +
    'See https://istio.io/latest/docs/releases/supported-releases/ for a list of supported versions.\n\n'
  );
}

async function perform(
  call: HostCall,
  cluster: SimulatedCluster,
  plan: InstallPlan,
  deadline: number,
): Promise<ProgramResult> {
  const before = tagsAndPlanes(cluster, plan);
  await prepare(call, cluster, plan);
  const errors: string[] = [];
  const run = async (
    component: { readonly name: string; readonly icon: string },
    work: () => Promise<string | undefined>,
  ): Promise<void> => {
    call.tell?.(`- Processing resources for ${component.name}.`);
    const error = await work();
    if (error === undefined) call.tell?.(`✔ ${component.name} installed ${component.icon}`);
    else {
      for (const line of `✘ ${component.name} encountered an error: ${error}`.split('\n')) call.tell?.(line);
      errors.push(error);
    }
  };
  if (plan.base) await run(COMPONENTS.base, () => Promise.resolve(undefined));
  if (plan.pilot !== undefined) {
    await run(COMPONENTS.pilot, async () => {
      const objects = istiodObjects(plan);
      const failed = await step(call, cluster, [...objects, ...webhookObjects(plan)]);
      if (failed !== undefined) return failed;
      CRASH_POINT: await call.world.crashPoints?.at('istioctl install: waiting for istiod');
      const [istiod] = objects.filter(({ kind }) => kind === 'Deployment') as Deployment[];
      if (istiod !== undefined && consumeFault(call.world, 'istioctl-timeout')) {
        call.tell?.(waiting(COMPONENTS.pilot.name, istiod));
        await call.world.clock.sleep(deadline, call.signal);
        return notReady(cluster, istiod, deadline);
      }
      return waitFor(call, cluster, COMPONENTS.pilot.name, planned(objects), deadline);
    });
  }
  if (plan.gateways.length > 0) {
    await run(COMPONENTS.gateways, async () => {
      const objects = plan.gateways.map((gateway) => {
        if (gateway.name !== 'istio-ingressgateway' && consumeFault(call.world, 'gateway-port-conflict'))
          occupyPorts(cluster, gateway);
        return gatewayObjects(plan, gateway);
      });
      const failed = await step(call, cluster, objects.flat());
      if (failed !== undefined) return failed;
      for (const made of objects) {
        const late = await waitFor(call, cluster, COMPONENTS.gateways.name, planned(made), deadline);
        if (late !== undefined) return late;
      }
      return undefined;
    });
  }
  if (errors.length > 0) return istioError(`failed to install manifests: ${joinErrors(errors)}`);
  CRASH_POINT: await call.world.crashPoints?.at('istioctl install: rolled out, nothing pruned, no tag');
  prune(cluster, plan);
  if (plan.pilot !== undefined) settleTags(cluster, plan, before);
  call.tell?.('- Pruning removed resources');
  call.tell?.('✔ Installation complete');
  return { exitCode: 0 };
}

/** Errors as Go's multierror prints them. */
function joinErrors(errors: readonly string[]): string {
  const [only] = errors;
  if (errors.length === 1) return `1 error occurred:\n\t* ${only ?? ''}\n\n`;
  return `${errors.length} errors occurred:\n${errors.map((error) => `\t* ${error}\n`).join('')}\n`;
}

/** Creates the namespace, labeled with its network, if it does not exist yet (facts 2.4), and then the CRDs. */
async function prepare({ world, signal }: HostCall, { store }: SimulatedCluster, plan: InstallPlan): Promise<void> {
  if (store.get('namespaces', undefined, plan.namespace) === undefined) {
    const labels = plan.network === '' ? {} : { 'topology.istio.io/network': plan.network };
    store.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: plan.namespace, labels } }, MANAGER);
    activate(store, plan.namespace);
  }
  CRASH_POINT: await world.crashPoints?.at('istioctl install: namespace made, no CRD');
  if (!plan.base) return;
  const kinds = istioKinds(plan.version.split('.').slice(0, 2).join('.'));
  const lacking = kinds.some(({ plural }) => store.kind(plural) === undefined);
  await world.clock.sleep(lacking ? ISTIO_CRDS : ISTIO_COMPONENT, signal);
  if (lacking) {
    store.serve(kinds.slice(0, kinds.length / 2));
    CRASH_POINT: await world.crashPoints?.at('istioctl install: half of the CRDs');
  }
  store.serve(kinds);
  for (const { plural, kind, group, versions } of kinds) {
    store.put({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: plural },
      spec: {
        group,
        names: { kind, plural: plural.split('.')[0] },
        scope: 'Namespaced',
        versions: versions.map((name, index) => ({ name, served: true, storage: index === 0 })),
      },
      status: { conditions: [{ type: 'Established', status: 'True' }] },
    });
  }
}

/** Applies a component's objects; returns the error that ended it. */
async function step(
  { world, signal }: HostCall,
  { store }: SimulatedCluster,
  objects: readonly KubeObject[],
): Promise<string | undefined> {
  await world.clock.sleep(ISTIO_COMPONENT, signal);
  for (const object of objects) {
    try {
      store.apply(object, MANAGER);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { namespace = '', name } = object.metadata;
      return `failed to update resource with server-side apply for obj ${object.kind}/${namespace}/${name}: ${error.status}`;
    }
    CRASH_POINT: await world.crashPoints?.at(`istioctl install: ${object.kind} ${object.metadata.name} applied`);
  }
  return undefined;
}

const planned = (objects: readonly KubeObject[]): KubeObject | undefined =>
  objects.find(({ kind }) => kind === 'Deployment');

/** Waits for a Deployment's rollout; returns the error when the timeout is over. */
async function waitFor(
  call: HostCall,
  cluster: SimulatedCluster,
  component: string,
  wanted: KubeObject | undefined,
  deadline: number,
): Promise<string | undefined> {
  const { world, signal } = call;
  if (wanted === undefined) return undefined;
  let isReported = false;
  for (const until = world.clock.now() + deadline; ;) {
    const { namespace, name } = wanted.metadata;
    const found = cluster.store.get('deployments.apps', namespace, name);
    if (found !== undefined && rolledOut(found)) return undefined;
    if (!isReported) call.tell?.(waiting(component, wanted as Deployment));
    isReported = true;
    if (world.clock.now() >= until) return notReady(cluster, found ?? (wanted as Deployment), deadline);
    await world.clock.sleep(POLL_MS, signal);
  }
}

const waiting = (component: string, { metadata }: Deployment): string =>
  `- Processing resources for ${component}. Waiting for Deployment/${metadata.namespace ?? ''}/${metadata.name}`;

function rolledOut({ metadata, spec, status }: Deployment): boolean {
  const { generation = 1 } = metadata;
  const replicas = spec.replicas ?? 1;
  return (
    status !== undefined &&
    status.observedGeneration >= generation &&
    (status.updatedReplicas ?? 0) >= replicas &&
    (status.availableReplicas ?? 0) >= replicas
  );
}

function notReady({ store }: SimulatedCluster, deployment: Deployment, deadline: number): string {
  const { metadata, spec } = deployment;
  const where = `Deployment/${metadata.namespace ?? ''}/${metadata.name}`;
  const pods = podObjects(store).filter(
    (pod) =>
      pod.metadata.namespace === metadata.namespace &&
      matchesMap(spec.selector?.matchLabels ?? {}, pod.metadata.labels),
  );
  const why = pods.map(reasonOf).find((reason) => reason !== undefined);
  return (
    `failed to wait for resource: resources not ready after ${Math.round(deadline / 60_000)}m0s: context deadline exceeded\n` +
    (why === undefined ? '  ' : `  ${where} (${why})`)
  );
}

/** Why a pod is not ready: what its container waits for, otherwise the message of its condition. */
function reasonOf(pod: Pod): string | undefined {
  for (const { state } of pod.status.containerStatuses ?? []) {
    const { waiting: wait } = state;
    if (wait !== undefined) return `container failed to start: ${wait.reason ?? ''}: ${wait.message ?? ''}`;
  }
  const ready = condition(pod, 'Ready');
  return ready?.status === 'False' ? ready.message : undefined;
}

/** The fault: a foreign Service already uses the istiod port on every node. */
function occupyPorts({ store }: SimulatedCluster, gateway: GatewayPlan): void {
  const port = gateway.ports.find(({ targetPort }) => targetPort === 15012)?.port ?? 15012;
  store.put({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'already-here', namespace: 'default' },
    spec: { type: 'LoadBalancer', selector: { app: 'already-here' }, ports: [{ name: 'tcp', port, targetPort: port }] },
  });
}
