import { GATEWAY_SERVICE } from '../manifests/east-west-gateway.ts';
import { describeWorkloadFiles } from '../guest/workload-files.ts';
import type { MachineInfo } from '../machines/machine.ts';
import { findObject, hasCondition, loadBalancerAddresses, rolloutState, viewCluster } from '../steps/cluster.ts';
import type { Lab } from '../steps/lab.ts';
import { readWorkloadFiles } from '../steps/workload.ts';
import type { KubeObject } from '../tools/kube-object.ts';
import { healthOf } from './health.ts';

/** One line of the status screen. `ok` is undefined where nothing is good or bad. */
export interface StatusRow {
  readonly what: string;
  readonly ok?: boolean;
  readonly state: string;
  /** ISO time at which this ends by itself (a token, a certificate). */
  readonly expires?: string;
  /** ISO time since when it exists. */
  readonly since?: string;
}

export interface StatusSection {
  readonly title: string;
  readonly rows: readonly StatusRow[];
}

/** The whole lab as it is now; reads only. What cannot be seen is said, not guessed. */
export async function readStatus(lab: Lab): Promise<readonly StatusSection[]> {
  const [machines, view, guest, files] = await Promise.all([
    lab.machines.all(),
    viewCluster(lab),
    lab.workloadVm.state(),
    readWorkloadFiles(lab),
  ]);
  const { config } = lab;
  const now = lab.doors.clock.now() / 1000;
  const { revision, namespace } = config.istio;
  const reach = view.unreachable;

  const nodeNames = [config.k3s.master, ...config.k3s.workerNames];
  const istiod = findObject(view, 'Deployment', `istiod-${revision}`, namespace);
  const gateway = findObject(view, 'Service', GATEWAY_SERVICE, namespace);
  const entries = view.objects.filter(
    (object) => object.kind === 'WorkloadEntry' && object.metadata.namespace === config.vm.namespace,
  );
  const token = files === undefined ? undefined : describeWorkloadFiles(files).tokenExpires;

  return [
    {
      title: 'Machines',
      rows: [...nodeNames, config.vm.name].map((name) => machineRow(name, machines)),
    },
    {
      title: 'Cluster',
      rows:
        reach === undefined
          ? nodeNames.map((name) => nodeRow(name, findObject(view, 'Node', name)))
          : [{ what: 'Kubernetes API', ok: false, state: reach }],
    },
    {
      title: 'Mesh',
      rows: [
        withSince(rolloutRow(`istiod ${revision}`, istiod, reach), istiod),
        withSince(gatewayRow(gateway, reach), gateway),
      ],
    },
    {
      title: 'Workload VM',
      rows: [
        ...(guest === undefined
          ? [{ what: 'sidecar', ok: false, state: `${config.vm.name} is not running` }]
          : [
              {
                what: 'sidecar',
                ok: guest.sidecar.ready,
                state:
                  guest.sidecar.version === undefined
                    ? 'not installed'
                    : `${guest.sidecar.version}, ${guest.sidecar.active}, ${guest.sidecar.ready ? 'ready' : 'not ready'}`,
              },
              { what: 'demo workload', ok: guest.demo.active === 'active', state: guest.demo.active },
              ...(guest.certExpires === undefined ? [] : [expiryRow('certificate', guest.certExpires, now)]),
            ]),
        ...(token === undefined ? [] : [expiryRow('token', token, now)]),
        ...(entries.length === 0
          ? [{ what: 'registration', ok: false, state: reach ?? 'no WorkloadEntry' }]
          : entries.map(entryRow)),
      ],
    },
  ];
}

function machineRow(name: string, machines: readonly MachineInfo[]): StatusRow {
  const found = machines.find((machine) => machine.name === name);
  if (found === undefined) return { what: name, ok: false, state: 'not there' };
  return { what: name, ok: found.state === 'running', state: `${found.state} ${found.addresses.join(' ')}`.trim() };
}

function nodeRow(name: string, node: KubeObject | undefined): StatusRow {
  if (node === undefined) return { what: name, ok: false, state: 'not registered' };
  const ready = hasCondition(node, 'Ready');
  const info = (node['status'] as { nodeInfo?: { kubeletVersion?: string } }).nodeInfo;
  return withSince(
    { what: name, ok: ready, state: `${ready ? 'Ready' : 'not Ready'}, ${info?.kubeletVersion ?? '?'}` },
    node,
  );
}

function rolloutRow(what: string, deployment: KubeObject | undefined, reach: string | undefined): StatusRow {
  if (deployment === undefined) return { what, ok: false, state: reach ?? 'not installed' };
  const state = rolloutState(deployment);
  return { what, ok: state === 'available', state };
}

function gatewayRow(service: KubeObject | undefined, reach: string | undefined): StatusRow {
  const what = 'east-west gateway';
  if (service === undefined) return { what, ok: false, state: reach ?? 'not installed' };
  const addresses = loadBalancerAddresses(service);
  return { what, ok: addresses.length > 0, state: addresses.join(', ') || 'no address' };
}

function entryRow(entry: KubeObject): StatusRow {
  const gone = entry.metadata.annotations?.['istio.io/disconnectedAt'];
  const health = healthOf(entry);
  const { address } = entry['spec'] as { address?: string };
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
