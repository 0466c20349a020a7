import type { Context } from '../system/system.ts';
import { INGRESS_GATEWAY } from '../kube/manifests/control-plane.ts';
import { GATEWAY_SERVICE } from '../kube/manifests/east-west-gateway.ts';
import type { GuestState } from '../guest/state.ts';
import { describeWorkloadFiles } from '../guest/workload-files.ts';
import type { MachineInfo } from '../machines/machine.ts';
import {
  findObject,
  hasCondition,
  loadBalancerAddresses,
  readyPodsBehind,
  type ClusterSnapshot,
} from '../steps/cluster-snapshot.ts';
import type { Lab } from '../steps/lab.ts';
import { deploymentState } from '../steps/deployment-state.ts';
import { CLUSTER_DNS } from '../steps/node-health.ts';
import { readWorkloadFiles } from '../steps/workload.ts';
import { workloadLabs, type WorkloadLab } from '../steps/workload-lab.ts';
import type { KubeObject, Node, Service, WorkloadEntry } from '../kube/kinds.ts';
import { ofKind } from '../kube/object.ts';
import { healthOf, otherApplication } from './health.ts';
import { clusterSnapshotFor } from './snapshot.ts';
import { asSentence } from './vm.ts';

/** One line of the status screen. `ok` is undefined for a row that is neither good nor bad. */
export interface StatusRow {
  readonly what: string;
  readonly ok?: boolean;
  readonly state: string;
  /** ISO time at which this expires (a token, a certificate). */
  readonly expires?: string;
  /** ISO time since when it exists. */
  readonly since?: string;
}

export interface StatusSection {
  readonly title: string;
  readonly rows: readonly StatusRow[];
}

/** The current state of the whole lab; only reads. What cannot be read is reported as such, not guessed. */
export async function readStatus(lab: Lab, context: Context): Promise<readonly StatusSection[]> {
  const [machines, view] = await Promise.all([lab.machines.all(context), clusterSnapshotFor(lab, context)]);
  const { config } = lab;
  const { revision, namespace } = config.istio;
  const reach = view.unreachable;

  const nodeNames = [config.k3s.master, ...config.k3s.workerNames];
  const names = [...nodeNames, ...config.workloads.map(({ name }) => name)];

  return [
    {
      title: 'Machines',
      rows: names.map((name) => machineRow(name, machines)),
    },
    {
      title: 'Cluster',
      rows:
        reach === undefined
          ? [...nodeNames.map((name) => nodeRow(name, findObject(view, 'Node', name))), dnsRow(view)]
          : [{ what: 'Kubernetes API', ok: false, state: reach }],
    },
    {
      title: 'Mesh',
      rows: [
        servingRow(`istiod ${revision}`, view, `istiod-${revision}`, namespace),
        servingRow('east-west gateway', view, GATEWAY_SERVICE, namespace),
        // Some profiles do not install it.
        ...(findObject(view, 'Deployment', INGRESS_GATEWAY, namespace) === undefined
          ? []
          : [servingRow('ingress gateway', view, INGRESS_GATEWAY, namespace)]),
      ],
    },
    ...(await Promise.all(workloadLabs(lab).map((of) => workloadSection(of, view, context)))),
  ];
}

async function workloadSection(lab: WorkloadLab, view: ClusterSnapshot, context: Context): Promise<StatusSection> {
  const [guest, files] = await Promise.all([guestState(lab, context), readWorkloadFiles(lab)]);
  const { workload, config } = lab;
  const isOnly = config.workloads.length === 1;
  const now = lab.system.clock.now() / 1000;
  const entries = ofKind(view.objects, 'WorkloadEntry', workload.namespace).filter(
    ({ metadata }) => isOnly || metadata.labels?.['app'] === workload.app,
  );
  const token = files === undefined ? undefined : describeWorkloadFiles(files).tokenExpires;
  return {
    title: isOnly ? 'Workload VM' : `Workload VM ${workload.name}`,
    rows: [
      ...('unknown' in guest
        ? [{ what: 'sidecar', ok: false, state: guest.unknown }]
        : [
            {
              what: 'sidecar',
              ok: guest.sidecar.ready,
              state:
                guest.sidecar.version === undefined
                  ? 'not installed'
                  : `${guest.sidecar.version}, ${guest.sidecar.active}, ${guest.sidecar.ready ? 'ready' : 'not ready'}`,
            },
            demoRow(lab, guest),
            guest.certExpires === undefined
              ? { what: 'certificate', ok: false, state: 'no certificate' }
              : expiryRow('certificate', guest.certExpires, now),
          ]),
      ...(token === undefined ? [] : [expiryRow('token', token, now)]),
      ...(entries.length === 0
        ? [{ what: 'registration', ok: false, state: view.unreachable ?? 'no WorkloadEntry' }]
        : entries.map(entryRow)),
    ],
  };
}

/** A user's application that replaces the demo workload is neither good nor bad. */
function demoRow(lab: WorkloadLab, guest: GuestState): StatusRow {
  const other = otherApplication(lab, guest);
  if (other !== undefined) return { what: 'demo workload', state: `not used: the port is served by ${other}` };
  return { what: 'demo workload', ok: guest.demo.active === 'active', state: guest.demo.active };
}

function machineRow(name: string, machines: readonly MachineInfo[]): StatusRow {
  const found = machines.find((machine) => machine.name === name);
  if (found === undefined) return { what: name, ok: false, state: 'not there' };
  return { what: name, ok: found.state === 'running', state: `${found.state} ${found.addresses.join(' ')}`.trim() };
}

function nodeRow(name: string, node: Node | undefined): StatusRow {
  if (node === undefined) return { what: name, ok: false, state: 'not registered' };
  const ready = hasCondition(node, 'Ready');
  const version = node.status?.nodeInfo?.kubeletVersion ?? '?';
  return withSince({ what: name, ok: ready, state: `${ready ? 'Ready' : 'not Ready'}, ${version}` }, node);
}

function dnsRow(view: ClusterSnapshot): StatusRow {
  const { name, namespace } = CLUSTER_DNS;
  const state = deploymentState(view, name, namespace);
  return withSince(
    { what: 'cluster DNS', ok: state === 'available', state },
    findObject(view, 'Deployment', name, namespace),
  );
}

/** A Deployment and the pods behind its Service: ready pods count, not the status of the Deployment. */
function servingRow(what: string, view: ClusterSnapshot, name: string, namespace: string): StatusRow {
  const deployment = findObject(view, 'Deployment', name, namespace);
  const service = findObject(view, 'Service', name, namespace);
  const missing = view.unreachable ?? (service === undefined ? 'not installed' : 'its Deployment does not exist');
  if (deployment === undefined) return { what, ok: false, state: missing };
  const rollout = deploymentState(view, name, namespace);
  const problem = rollout !== 'available' ? rollout : servingProblem(view, service);
  const addresses = loadBalancerAddresses(service).join(', ');
  const state = problem ?? (addresses === '' ? 'available' : `available at ${addresses}`);
  return withSince({ what, ok: problem === undefined, state }, deployment);
}

function servingProblem(view: ClusterSnapshot, service: Service | undefined): string | undefined {
  if (service === undefined) return 'its Service does not exist';
  if (readyPodsBehind(view, service).length === 0) return 'no ready pod behind its Service';
  const isBalanced = service.spec?.type === 'LoadBalancer';
  return isBalanced && loadBalancerAddresses(service).length === 0 ? 'no address' : undefined;
}

/** The VM's state, or the reason why there is none: a machine that does not answer must not fail the whole screen. */
async function guestState(lab: WorkloadLab, context: Context): Promise<GuestState | { readonly unknown: string }> {
  try {
    return (await lab.vm.state(context)) ?? { unknown: `${lab.workload.name} is not running` };
  } catch (error) {
    return { unknown: asSentence(error) };
  }
}

function entryRow(entry: WorkloadEntry): StatusRow {
  const gone = entry.metadata.annotations?.['istio.io/disconnectedAt'];
  const health = healthOf(entry);
  const address = entry.spec?.address;
  return withSince(
    {
      what: 'registration',
      ok: gone === undefined && health !== 'False',
      state: `${entry.metadata.name} at ${address ?? '?'}, ${
        gone === undefined ? 'connected' : `disconnected since ${gone}`
      }, healthy: ${health}`,
    },
    entry,
  );
}

/** Times in seconds since 1970. */
function expiryRow(what: string, expires: number, now: number): StatusRow {
  const left = expires > now;
  return { what, ok: left, state: left ? 'valid' : 'expired', expires: new Date(expires * 1000).toISOString() };
}

function withSince(row: StatusRow, object: KubeObject | undefined): StatusRow {
  const since = object?.metadata.creationTimestamp;
  return since === undefined ? row : { ...row, since };
}
