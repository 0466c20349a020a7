import { serverUrl } from '../guest/k3s.ts';
import { clusterSnapshot, type ClusterSnapshot } from '../steps/cluster-snapshot.ts';
import type { Lab } from '../steps/lab.ts';
import { serverOf } from '../kube/kubeconfig.ts';
import { nodeOf, stoppedNodes } from '../steps/node-health.ts';
import type { KubeObject, Node, Pod } from '../kube/kinds.ts';
import { isKind } from '../kube/object.ts';
import type { Context } from '../system/system.ts';

/**
 * The current snapshot of the cluster. If the control plane's machine does not run, the API is not queried: its address
 * does not answer, and the timeout takes 20 seconds.
 */
export async function clusterSnapshotFor(lab: Lab, context: Context): Promise<ClusterSnapshot> {
  const { master } = lab.config.k3s;
  const found = await lab.machines.find(master, context);
  if (found === undefined) return { objects: [], unreachable: `no machine ${master}` };
  const rests = found.state === 'stopped' || found.state === 'suspended' || found.state === 'deleted';
  if (rests) return { objects: [], unreachable: `${master} is ${found.state}` };
  const elsewhere = await otherServer(lab, found.addresses[0]);
  if (elsewhere !== undefined) return { objects: [], unreachable: elsewhere };
  return withoutNodes(await clusterSnapshot(lab, context), await stoppedNodes(lab, context));
}

/**
 * The reason when the kubeconfig has an address that the server's machine no longer has: the API cannot answer there.
 */
async function otherServer(lab: Lab, address: string | undefined): Promise<string | undefined> {
  const kubeconfig = await lab.system.files.readText(lab.config.paths.kubeconfig);
  if (kubeconfig === undefined || address === undefined) return undefined;
  const server = serverOf(kubeconfig);
  return server === serverUrl(address)
    ? undefined
    : `the kubeconfig names ${server ?? 'no server'}, and ${lab.config.k3s.master} is at ${address}`;
}

/**
 * The snapshot with nothing Ready on these nodes: the cluster needs 40 seconds to notice that a machine has stopped.
 * Pure.
 */
function withoutNodes(view: ClusterSnapshot, stopped: readonly string[]): ClusterSnapshot {
  if (stopped.length === 0) return view;
  const isOn = (object: KubeObject): object is Node | Pod =>
    (isKind(object, 'Node') && stopped.includes(object.metadata.name)) ||
    (isKind(object, 'Pod') && stopped.includes(nodeOf(object) ?? ''));
  return { ...view, objects: view.objects.map((object) => (isOn(object) ? notReady(object) : object)) };
}

function notReady(object: Node | Pod): KubeObject {
  const conditions = (object.status?.conditions ?? []).map((each) =>
    each.type === 'Ready' ? { ...each, status: 'Unknown' } : each,
  );
  return { ...object, status: { ...object.status, conditions } };
}
