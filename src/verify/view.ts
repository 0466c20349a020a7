import { viewCluster, type ClusterView } from '../steps/cluster.ts';
import type { Lab } from '../steps/lab.ts';

/**
 * The cluster as it is. A control plane whose machine does not run is not asked: its address does not answer, and that
 * alone takes 20 seconds.
 */
export async function lookAtCluster(lab: Lab): Promise<ClusterView> {
  const { master } = lab.config.k3s;
  const found = await lab.machines.find(master);
  if (found === undefined) return { objects: [], unreachable: `no machine ${master}` };
  const rests = found.state === 'stopped' || found.state === 'suspended' || found.state === 'deleted';
  return rests ? { objects: [], unreachable: `${master} is ${found.state}` } : viewCluster(lab);
}

export { readyPodsBehind } from '../steps/cluster.ts';
