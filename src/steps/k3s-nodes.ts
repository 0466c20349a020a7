import type { Context } from '../system/system.ts';
import { asRoot, type Machine } from '../machines/machine.ts';
import type { StepContext } from '../plan/step.ts';
import { waitUntil, type NotReady, type ProbeResult } from '../plan/wait.ts';
import { CommandError } from '../system/command-error.ts';
import { clusterSnapshot, type ClusterSnapshot } from './cluster-snapshot.ts';
import { unitErrorProbe } from './journal.ts';
import { createInstallErrorWatch, probePods, type InstallErrorWatch } from './install-watch.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';
import { deploymentState } from './deployment-state.ts';
import { CLUSTER_DNS, nodeState, type WantedNode } from './node-health.ts';
import { restoreReplicas } from './rollout.ts';

/**
 * Deadlines with a margin over the figures of docs/facts/k3s.md 3. An agent first imports all images on its disk, which
 * takes minutes on a slow disk.
 */
const NODE_READY_MS = 600_000;
const COREDNS_MS = 300_000;

/** All nodes Ready and cluster DNS available: the prerequisite of the later steps. */
export function nodesStep(lab: Lab): LabStep {
  const { config } = lab;
  const names = [config.k3s.master, ...config.k3s.workerNames];
  const late = (view: ClusterSnapshot): readonly (readonly [string, string])[] =>
    names.map((name) => [name, nodeState(view, name)] as const).filter(([, state]) => state !== 'ready');
  let waitingFor: string | undefined;
  /** @param podErrors reports when waiting for the pods of cluster DNS cannot help */
  const look = async (context: StepContext, podErrors?: InstallErrorWatch): Promise<ProbeResult<true>> => {
    const view = await clusterSnapshot(lab, context);
    if (view.unreachable !== undefined) return { pending: view.unreachable };
    const nodes = late(view);
    waitingFor = nodes[0]?.[0];
    if (nodes.length > 0) return { pending: nodes.map(([name, state]) => `${name}: ${state}`).join('; ') };
    const dns = deploymentState(view, CLUSTER_DNS.name, CLUSTER_DNS.namespace);
    if (dns === 'available') return { ready: true };
    const pending = `${CLUSTER_DNS.name}: ${dns}`;
    return podErrors === undefined ? { pending } : probePods(pending, podErrors, view, [CLUSTER_DNS.name]);
  };
  return {
    id: 'nodes',
    title: `all ${names.length} nodes Ready`,
    needs: ['k3s-server', ...config.k3s.workerNames.map((_, index) => `k3s-agent-${index + 1}`)],
    command: 'k3s',
    tools: ['machines', 'kubectl'],
    expectMs: 5_000,
    async check(context) {
      const state = await look(context);
      return 'pending' in state ? { missing: state.pending } : 'ready';
    },
    async apply(context) {
      await restoreReplicas(lab, context, CLUSTER_DNS.namespace, CLUSTER_DNS.name);
      const podErrors = createInstallErrorWatch(lab, CLUSTER_DNS.namespace);
      await waitUntil({
        clock: lab.system.clock,
        signal: context.signal,
        say: context.say,
        what: 'all nodes and cluster DNS',
        deadlineMs: COREDNS_MS,
        intervalMs: 2_000,
        hint: `Look at \`kubectl --kubeconfig ${config.paths.kubeconfig} -n kube-system get pods\`: the first start pulls images.`,
        block: (ms) =>
          waitingFor === undefined
            ? lab.kubectl.rolledOut(CLUSTER_DNS.name, CLUSTER_DNS.namespace, ms, context)
            : lab.kubectl.nodeReady(waitingFor, ms, context),
        probe: async () => {
          lab.kubectl.forget();
          return look(context, podErrors);
        },
      });
    },
  };
}

export interface NodeWait extends WantedNode {
  readonly machine: Machine;
  readonly unit: 'k3s' | 'k3s-agent';
  /** `ready`, or an earlier state that is sufficient. */
  readonly state: (view: ClusterSnapshot) => string;
  readonly enough: readonly string[];
}

/** Waits until a node's k3s has started, and then until the node is in one of the sufficient states. */
export async function waitForNode(lab: Lab, context: StepContext, wait: NodeWait): Promise<void> {
  const { machine, unit, state, enough } = wait;
  const starting = startProbe(machine, unit);
  await waitUntil({
    clock: lab.system.clock,
    signal: context.signal,
    say: context.say,
    what: `node ${machine.name}`,
    deadlineMs: NODE_READY_MS,
    intervalMs: 1_000,
    hint: `Look at the journal: \`${lab.engine.shellHint(machine.name, 'sudo journalctl --lines 40')}\`.`,
    probe: async () => {
      const notStarted = await starting(context);
      if (notStarted !== undefined) return notStarted;
      // An agent that has joined is Ready soon, so one blocking command saves another poll.
      if (unit === 'k3s-agent') await lab.kubectl.nodeReady(machine.name, READY_SOON_MS, context);
      const seen = await lab.kubectl.get(['nodes', 'leases.coordination.k8s.io'], {}, context);
      const is = state({ objects: seen });
      return enough.includes(is) ? { ready: true } : { pending: is };
    },
  });
  lab.kubectl.forget();
}

/** Probes whether a unit of k3s has started; undefined when it has. */
export function startProbe(
  machine: Machine,
  unit: NodeWait['unit'],
): (context: Context) => Promise<NotReady | undefined> {
  const error = unitErrorProbe(machine, unit);
  let started = false;
  return async (context) => {
    started ||= await hasStarted(machine, unit, context);
    if (started) return undefined;
    const seen = await error(context);
    if (seen === undefined) return { pending: `${unit} is starting` };
    return 'failed' in seen ? seen : { pending: `${unit} is starting: ${seen.pending}` };
  };
}

/** Timeout of the one command that waits for a joined node. Milliseconds. */
const READY_SOON_MS = 10_000;

/** Timeout of the one command that waits for a start. Milliseconds. */
const START_MS = 20_000;

/**
 * Waits for the end of a unit's start job, in one command: k3s reports to systemd when its API answers, k3s-agent when
 * it has joined (docs/facts/k3s.md 3). This does not start anything that was not started before.
 */
async function hasStarted(machine: Machine, unit: NodeWait['unit'], context: Context): Promise<boolean> {
  const start = asRoot({ file: 'systemctl', args: ['start', unit], effect: 'read', timeoutMs: START_MS });
  try {
    await machine.run(start, context);
    return true;
  } catch (error) {
    if (error instanceof CommandError && (error.failure === 'exit' || error.failure === 'timed-out')) return false;
    throw error;
  }
}
