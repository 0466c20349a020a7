import { ENTRY_GRACE, STREAM_KEEPALIVE } from '../durations.ts';
import { stamp, type SimulatedCluster } from '../cluster/kube.ts';
import { istiodOf } from '../cluster/injection.ts';
import type { Condition, WorkloadEntry, WorkloadGroup } from '../cluster/shapes.ts';
import type { Instance, World } from '../world.ts';
import type { AgentSettings } from './agent.ts';

export const ENTRIES = 'workloadentries.networking.istio.io';

/** One stream between an agent and istiod. */
export interface Connection {
  readonly cluster: SimulatedCluster;
  readonly settings: AgentSettings;
  readonly since: number;
  readonly revision: string;
  readonly group: WorkloadGroup | undefined;
}

/** The entry's name: `<group>-<ip>-<network>`, truncated at the front (docs/facts/istio-vm.md 6.1). */
function entryName({ group = '', address, network }: AgentSettings): string {
  return [group, address.replaceAll(':', '-'), ...(network === '' ? [] : [network])].join('-').slice(-253);
}

/**
 * istiod creates the WorkloadEntry of a proxy that has connected; the same proxy keeps its entry when it reconnects.
 */
export function register({ cluster, settings, since, group, revision }: Connection): void {
  cluster.proxies.set(`${settings.name}.${settings.namespace}`, { cluster: settings.cluster, revision });
  if (group === undefined) return;
  const { spec } = group;
  const labels = { ...spec.template?.labels, ...spec.metadata?.labels, ...settings.labels };
  const name = entryName(settings);
  const old = cluster.store.get(ENTRIES, settings.namespace, name);
  const kept = { ...old?.metadata.annotations };
  Reflect.deleteProperty(kept, 'istio.io/disconnectedAt');
  cluster.store.put({
    apiVersion: cluster.store.serving('networking.istio.io/v1', 'WorkloadEntry')
      ? 'networking.istio.io/v1'
      : 'networking.istio.io/v1beta1',
    kind: 'WorkloadEntry',
    metadata: {
      name,
      namespace: settings.namespace,
      labels,
      annotations: {
        ...kept,
        ...spec.metadata?.annotations,
        'istio.io/autoRegistrationGroup': group.metadata.name,
        'istio.io/connectedAt': new Date(since).toISOString(),
        'istio.io/workloadController': `istiod-${revision}`,
        ...(settings.probe === undefined ? {} : { 'proxy.istio.io/health-checks-enabled': 'true' }),
      },
      ownerReferences: [
        {
          apiVersion: group.apiVersion,
          kind: 'WorkloadGroup',
          name: group.metadata.name,
          uid: group.metadata.uid,
          controller: true,
        },
      ],
    },
    spec: {
      ...spec.template,
      address: settings.address,
      labels,
      ...(settings.network === '' ? {} : { network: settings.network }),
    },
    ...(old?.status === undefined ? {} : { status: old.status }),
  });
}

/**
 * Ends the stream: at once after a clean stop, later when the machine just went silent; the entry is deleted after a
 * grace period.
 */
export function unregister(world: World, connection: Connection, instance: Instance): void {
  const { cluster, settings, since } = connection;
  const silent = instance.state !== 'Running' && instance.state !== 'Restarting' && instance.state !== 'Starting';
  const name = entryName(settings);
  const mine = (): boolean =>
    cluster.store.get(ENTRIES, settings.namespace, name)?.metadata.annotations?.['istio.io/connectedAt'] ===
    new Date(since).toISOString();
  const drop = (): void => {
    if (!mine()) return;
    cluster.proxies.delete(`${settings.name}.${settings.namespace}`);
    // Only istiod writes this; when none is running the entry stays as it was.
    if ((istiodOf(cluster.store, connection.revision)?.status?.readyReplicas ?? 0) === 0) return;
    cluster.store.edit(ENTRIES, settings.namespace, name, ({ metadata }) => {
      metadata.annotations = {
        ...metadata.annotations,
        'istio.io/disconnectedAt': new Date(world.clock.now()).toISOString(),
      };
    });
    world.clock.after(ENTRY_GRACE, () => {
      if (mine()) cluster.store.remove(ENTRIES, settings.namespace, name);
    });
  };
  if (silent) world.clock.after(STREAM_KEEPALIVE, drop);
  else drop();
}

/** Writes the result of the probe; does nothing when it is unchanged (docs/facts/istio-vm.md 6.2). */
export function reportHealth({ cluster, settings }: Connection, healthy: boolean, message: string, at: number): void {
  cluster.store.edit(ENTRIES, settings.namespace, entryName(settings), (entry) => {
    const before = entryHealth(entry);
    const status = healthy ? 'True' : 'False';
    if (before?.status === status) return;
    const now = stamp(at);
    const health: Condition = {
      type: 'Healthy',
      status,
      lastProbeTime: now,
      lastTransitionTime: now,
      ...(healthy ? {} : { message }),
    };
    entry.status = { conditions: [health] };
  });
}

/** The Healthy condition of an entry. */
export function entryHealth(entry: WorkloadEntry): Condition | undefined {
  return entry.status?.conditions?.find(({ type }) => type === 'Healthy');
}
