import { istioRow } from '../../../config/versions.ts';
import { istioKinds } from '../../cluster/kinds.ts';
import type { SimulatedCluster } from '../../cluster/kube.ts';
import type { Deployment } from '../../cluster/shapes.ts';
import { ISTIO_COMPONENT, ISTIO_CRDS, ISTIOCTL_CALL } from '../../durations.ts';
import { strike } from '../../strike.ts';
import { passing } from '../../half-way.ts';
import type { HostCall, KubeObject, ProgramResult } from '../../world.ts';
import { activate } from '../kubectl/apply.ts';
import { flag, parseArgs } from '../kubectl/args.ts';
import { connect } from '../kubectl/connect.ts';
import { istioError, minorOf, refused } from './call.ts';
import { OperatorError, readOperators } from './operator-file.ts';
import { planInstall, type GatewayPlan, type InstallPlan } from './plan.ts';
import { settleTags, tagsAndPlanes } from './default-tag.ts';
import { prune } from './prune.ts';
import { gatewayObjects, istiodObjects, MANAGER, webhookObjects } from './render.ts';

const LOOK_MS = 1_000;

/** `istioctl install`: renders, applies, waits for Deployments and not for addresses (facts/istio-vm.md 2.7). */
export async function install(call: HostCall, version: string, args: readonly string[]): Promise<ProgramResult> {
  const parsed = parseArgs(args, {
    '--kubeconfig': 'value',
    '--context': 'value',
    '--filename': 'value',
    '--skip-confirmation': 'switch',
    '--readiness-timeout': 'value',
  });
  if ('unknown' in parsed) return refused(parsed.unknown);
  if (parsed.words[0] !== undefined) return refused(parsed.words[0]);
  const seconds = /^(\d+)s$/.exec(flag(parsed, '--readiness-timeout') ?? '300s')?.[1];
  if (seconds === undefined) return refused('--readiness-timeout');
  if (!parsed.flags.has('--skip-confirmation')) return { exitCode: 1, stdout: 'Proceed? (y/N) Cancelled.\n' };
  let plan: InstallPlan;
  try {
    const operator = await readOperators(call.files, parsed.flags.get('--filename') ?? [], minorOf(version) >= 24);
    plan = planInstall(call.world, version, operator);
  } catch (error) {
    if (error instanceof OperatorError) return istioError(error.message);
    throw error;
  }
  const connection = await connect(
    call,
    flag(parsed, '--kubeconfig') ?? '',
    flag(parsed, '--context') ?? '',
    ISTIOCTL_CALL,
  );
  if ('failure' in connection) return connection.failure;
  return perform(call, connection.cluster, plan, Number(seconds) * 1000);
}

async function perform(
  call: HostCall,
  cluster: SimulatedCluster,
  plan: InstallPlan,
  patience: number,
): Promise<ProgramResult> {
  const floor = istioRow(plan.version, call.world.shipped.versions)?.kubernetesFloor ?? '1.25';
  const running = /^v1\.(\d+)/.exec(cluster.version)?.[1] ?? '0';
  if (Number(running) < Number(floor.split('.')[1])) {
    return istioError(
      `the Kubernetes version ${cluster.version} is not supported by Istio ${plan.version}. The minimum supported Kubernetes version is ${floor}`,
    );
  }
  const before = tagsAndPlanes(cluster, plan);
  await prepare(call, cluster, plan);
  const lines: string[] = [];
  if (plan.pilot !== undefined) {
    await step(call, cluster, istiodObjects(plan));
    for (const object of webhookObjects(plan)) cluster.store.apply(object, MANAGER);
    await passing(call.world, 'istioctl install: waiting for istiod');
    const [istiod] = istiodObjects(plan).filter(({ kind }) => kind === 'Deployment') as Deployment[];
    if (istiod !== undefined && strike(call.world, 'istioctl-timeout')) {
      await call.world.clock.sleep(patience, call.signal);
      return notReady('Istiod', istiod, patience);
    }
    const late = await waitFor(call, cluster, planned(istiodObjects(plan)), patience);
    if (late !== undefined) return notReady('Istiod', late, patience);
    lines.push('✔ Istiod installed 🧠');
  }
  for (const gateway of plan.gateways) {
    if (gateway.name !== 'istio-ingressgateway' && strike(call.world, 'gateway-port-clash')) occupy(cluster, gateway);
    await step(call, cluster, gatewayObjects(plan, gateway));
    const late = await waitFor(call, cluster, planned(gatewayObjects(plan, gateway)), patience);
    if (late !== undefined) return notReady('Ingress gateways', late, patience);
    lines.push('✔ Ingress gateways installed 🛬');
  }
  await passing(call.world, 'istioctl install: rolled out, nothing pruned, no tag');
  prune(cluster, plan);
  if (plan.pilot !== undefined) settleTags(cluster, plan, before);
  return { exitCode: 0, stdout: [...lines, '✔ Installation complete', ''].join('\n') };
}

/** Namespace with its network label when it is the installer who makes it (facts 2.4), and the CRDs. */
async function prepare({ world, signal }: HostCall, { store }: SimulatedCluster, plan: InstallPlan): Promise<void> {
  if (store.get('namespaces', undefined, plan.namespace) === undefined) {
    const labels = plan.network === '' ? {} : { 'topology.istio.io/network': plan.network };
    store.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: plan.namespace, labels } }, MANAGER);
    activate(store, plan.namespace);
  }
  await passing(world, 'istioctl install: namespace made, no CRD');
  if (!plan.base) return;
  const kinds = istioKinds(plan.version.split('.').slice(0, 2).join('.'));
  const lacking = kinds.some(({ plural }) => store.kind(plural) === undefined);
  await world.clock.sleep(lacking ? ISTIO_CRDS : ISTIO_COMPONENT, signal);
  if (lacking) {
    store.serve(kinds.slice(0, kinds.length / 2));
    await passing(world, 'istioctl install: half of the CRDs');
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

async function step(
  { world, signal }: HostCall,
  { store }: SimulatedCluster,
  objects: readonly KubeObject[],
): Promise<void> {
  await world.clock.sleep(ISTIO_COMPONENT, signal);
  for (const object of objects) {
    store.apply(object, MANAGER);
    await passing(world, `istioctl install: ${object.kind} ${object.metadata.name} applied`);
  }
}

const planned = (objects: readonly KubeObject[]): KubeObject | undefined =>
  objects.find(({ kind }) => kind === 'Deployment');

/** Waits for a Deployment's rollout; gives it back when the patience is over. */
async function waitFor(
  { world, signal }: HostCall,
  { store }: SimulatedCluster,
  wanted: KubeObject | undefined,
  patience: number,
): Promise<Deployment | undefined> {
  if (wanted === undefined) return undefined;
  for (const until = world.clock.now() + patience; ;) {
    const { namespace, name } = wanted.metadata;
    const found = store.get('deployments.apps', namespace, name) as Deployment | undefined;
    if (found !== undefined && rolledOut(found)) return undefined;
    if (world.clock.now() >= until) return found ?? (wanted as Deployment);
    await world.clock.sleep(LOOK_MS, signal);
  }
}

function rolledOut({ metadata, spec, status }: Deployment): boolean {
  const { generation = 1 } = metadata as { generation?: number };
  const replicas = spec.replicas ?? 1;
  return (
    status !== undefined &&
    status.observedGeneration >= generation &&
    status.updatedReplicas >= replicas &&
    status.availableReplicas >= replicas
  );
}

function notReady(component: string, { metadata, spec }: Deployment, patience: number): ProgramResult {
  const names = spec.template.spec.containers.map(({ name }) => name).join(' ');
  const where = `Deployment/${metadata.namespace ?? ''}/${metadata.name}`;
  return istioError(
    `failed to install manifests: ${component} encountered an error: failed to wait for resource: resources not ready after ` +
      `${Math.round(patience / 60_000)}m0s: timed out waiting for the condition\n  ${where} (containers with unready status: [${names}])`,
  );
}

/** The fault: somebody else's Service has the istiod port on every node already. */
function occupy({ store }: SimulatedCluster, gateway: GatewayPlan): void {
  const port = gateway.ports.find(({ targetPort }) => targetPort === 15012)?.port ?? 15012;
  store.put({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'already-here', namespace: 'default' },
    spec: { type: 'LoadBalancer', selector: { app: 'already-here' }, ports: [{ name: 'tcp', port, targetPort: port }] },
  });
}
