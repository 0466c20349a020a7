import type { Step, StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import { nodeIsReady, findObject, rolloutState, viewCluster } from './cluster.ts';
import { onMachine } from './console.ts';
import type { Lab } from './lab.ts';
import { restoreReplicas } from './replicas.ts';

/** Deadlines with room over the figures of facts/k3s.md section 3. */
const NODE_READY_MS = 240_000;
const COREDNS_MS = 300_000;

/** All nodes Ready and cluster DNS up: what the rest may build on. */
export function nodesStep(lab: Lab): Step {
  const { config } = lab;
  const names = [config.k3s.master, ...config.k3s.workerNames];
  const look = async (): Promise<string> => {
    const view = await viewCluster(lab);
    if (view.unreachable !== undefined) return view.unreachable;
    const late = names.filter((name) => !nodeIsReady(view, name));
    if (late.length > 0) return `not Ready: ${late.join(', ')}`;
    const dns = rolloutState(findObject(view, 'Deployment', 'coredns', 'kube-system'));
    return dns === 'available' ? 'ready' : `coredns: ${dns}`;
  };
  return {
    id: 'nodes',
    title: `all ${names.length} nodes Ready`,
    needs: ['k3s-server', ...config.k3s.workerNames.map((_, index) => `k3s-agent-${index + 1}`)],
    madeBy: 'istio-vms k3s',
    expectMs: 5_000,
    async check() {
      const state = await look();
      return state === 'ready' ? 'ready' : { missing: state };
    },
    async apply(context) {
      await restoreReplicas(lab, context, 'kube-system', 'coredns');
      await waitUntil({
        clock: lab.doors.clock,
        signal: context.signal,
        say: context.say,
        what: 'all nodes and cluster DNS',
        deadlineMs: COREDNS_MS,
        intervalMs: 2_000,
        hint: `Look at \`kubectl --kubeconfig ${config.paths.kubeconfig} -n kube-system get pods\`: the first start pulls images.`,
        probe: async () => {
          lab.kubectl.forget();
          const state = await look();
          return state === 'ready' ? { done: true } : { notYet: state };
        },
      });
    },
  };
}

/** Until a node is there and Ready with the version that is wanted. */
export async function waitForNode(lab: Lab, name: string, context: StepContext): Promise<void> {
  await waitUntil({
    clock: lab.doors.clock,
    signal: context.signal,
    say: context.say,
    what: `node ${name}`,
    deadlineMs: NODE_READY_MS,
    intervalMs: 2_000,
    hint: `Look at the journal: \`${onMachine(lab, name, 'sudo journalctl --lines 40')}\`.`,
    probe: async () => {
      const nodes = await lab.kubectl.get('nodes', {}, context.say);
      if (nodeIsReady({ objects: nodes }, name, lab.config.k3s.version)) return { done: true };
      return { notYet: nodes.some((node) => node.metadata.name === name) ? 'not Ready yet' : 'not registered yet' };
    },
  });
  lab.kubectl.forget();
}
