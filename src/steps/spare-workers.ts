import type { Context } from '../system/system.ts';
import { CliError } from '../errors/cli-error.ts';
import type { MachineInfo } from '../machines/machine.ts';
import type { StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import { counted } from '../plan/text.ts';
import type { Deployment } from '../kube/kinds.ts';
import { ofKind } from '../kube/object.ts';
import { findObject, clusterSnapshot, type ClusterSnapshot } from './cluster-snapshot.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';
import { deploymentState, wasRolledOut } from './deployment-state.ts';
import { nodeIsReady, nodeOf } from './node-health.ts';
import { removeMachine } from './own-machines.ts';

const MOVE_MS = 300_000;

/** Our workers beyond `WORKERS`, as machine or node, left from a run with more workers. */
export function spareWorkersStep(lab: Lab): LabStep {
  const spare = async (context: Context): Promise<readonly MachineInfo[]> => {
    const ours: MachineInfo[] = [];
    for (const machine of await lab.machines.all(context)) {
      if (isSpareWorker(lab, machine.name) && (await lab.ownership.isOurs(machine, context)) === 'ours')
        ours.push(machine);
    }
    return ours;
  };
  /** Nodes whose machine is gone: the cluster still counts them and the pods that ran there. */
  const strandedNodes = async (context: StepContext): Promise<readonly string[]> => {
    const machines = (await lab.machines.all(context)).map(({ name }) => name);
    return ofKind((await clusterSnapshot(lab, context)).objects, 'Node')
      .map(({ metadata }) => metadata.name)
      .filter((name) => isSpareWorker(lab, name) && !machines.includes(name));
  };
  /** Workers without a machine that the record of an interrupted run still contains. */
  const notedForNothing = async (context: Context): Promise<readonly string[]> => {
    const machines = (await lab.machines.all(context)).map(({ name }) => name);
    return (await lab.ownership.recorded()).filter((name) => isSpareWorker(lab, name) && !machines.includes(name));
  };
  const removeAll = async (
    context: StepContext,
    before: (name: string) => Promise<void>,
  ): Promise<readonly string[]> => {
    const names = (await spare(context)).map(({ name }) => name);
    for (const name of names) {
      await before(name);
      await removeMachine(lab, name, context);
      if (findObject(await clusterSnapshot(lab, context), 'Node', name) !== undefined)
        await forgetNode(lab, name, context);
    }
    return names;
  };
  return {
    id: 'spare-workers',
    title: 'surplus workers removed',
    needs: ['k3s-server'],
    command: 'k3s',
    tools: ['machines', 'kubectl'],
    expectMs: 0,
    async check(context) {
      const names = (await spare(context)).map(({ name }) => name);
      if (names.length > 0) {
        return { drifted: `${names.join(', ')}: more than WORKERS=${lab.config.k3s.workers} asks for` };
      }
      const blockedNodes = await strandedNodes(context);
      if (blockedNodes.length > 0) return { drifted: `nodes without a machine: ${blockedNodes.join(', ')}` };
      const noted = await notedForNothing(context);
      return noted.length === 0 ? 'ready' : { drifted: `the record still lists ${noted.join(', ')}` };
    },
    async apply(context) {
      const serving = availableDeployments(await clusterSnapshot(lab, context));
      const names = [...(await removeAll(context, (name) => drain(lab, name, context)))];
      for (const name of await strandedNodes(context)) {
        context.say(`deleting node ${name}, whose machine is gone`);
        await forgetNode(lab, name, context);
        names.push(name);
      }
      for (const name of await notedForNothing(context)) await lab.ownership.forget(name);
      await waitForPodsToMove(lab, context, names, serving);
    },
    async remove(context) {
      // The cluster is deleted too, so no pod has to move.
      const names = await removeAll(context, () => Promise.resolve());
      return names.length === 0 ? 'absent' : 'removed';
    },
  };
}

/**
 * Moves the pods before the machine is deleted. A node that is not Ready cannot end its pods; they are deleted later.
 */
async function drain(lab: Lab, name: string, context: StepContext): Promise<void> {
  if (!nodeIsReady(await clusterSnapshot(lab, context), name)) return;
  context.say(`draining ${name}`);
  try {
    await lab.kubectl.drain(name, context);
  } catch (error) {
    if (!(error instanceof CliError) || context.signal.aborted) throw error;
    context.say(`${name} could not be drained and is deleted anyway: ${error.message}`);
  }
}

/** Deletes a node whose machine is gone, and its pods, which Kubernetes would keep for another minute. */
async function forgetNode(lab: Lab, name: string, context: StepContext): Promise<void> {
  // The node is deleted first: as long as it exists, DaemonSets create their pods on it again.
  await lab.kubectl.remove('node', name, undefined, context);
  await lab.kubectl.removePodsOf(name, context);
}

function availableDeployments({ objects }: ClusterSnapshot): readonly Deployment[] {
  return ofKind(objects, 'Deployment').filter(wasRolledOut);
}

/** Waits until the Deployments that were available before are so again, without the deleted nodes. */
async function waitForPodsToMove(
  lab: Lab,
  context: StepContext,
  from: readonly string[],
  serving: readonly Deployment[],
): Promise<void> {
  let late: Deployment['metadata'] | undefined;
  await waitUntil({
    clock: lab.system.clock,
    signal: context.signal,
    say: context.say,
    what: 'the pods of the former workers',
    deadlineMs: MOVE_MS,
    intervalMs: 2_000,
    hint: `Look at \`kubectl --kubeconfig ${lab.config.paths.kubeconfig} get pods --all-namespaces\`: the workers that are left may be too small.`,
    block: async (ms) =>
      late !== undefined && (await lab.kubectl.rolledOut(late.name, late.namespace ?? 'default', ms, context)),
    probe: async () => {
      lab.kubectl.forget();
      const view = await clusterSnapshot(lab, context);
      if (view.unreachable !== undefined) return { pending: view.unreachable };
      const blockedNodes = ofKind(view.objects, 'Pod').filter((pod) => from.includes(nodeOf(pod) ?? ''));
      if (blockedNodes.length > 0) return { pending: `${counted(blockedNodes.length, 'pod')} on nodes that are gone` };
      const states = serving.map(({ metadata }) => ({
        metadata,
        state: deploymentState(view, metadata.name, metadata.namespace ?? 'default'),
      }));
      const first = states.find(({ state }) => state !== 'available');
      late = first?.metadata;
      return first === undefined ? { ready: true } : { pending: `${first.metadata.name}: ${first.state}` };
    },
  });
}

/** Whether a name is that of a worker in this lab, but not in the configuration. */
export function isSpareWorker(lab: Lab, name: string): boolean {
  const { master, workerNames } = lab.config.k3s;
  const prefix = master.slice(0, -'master'.length);
  return new RegExp(`^${prefix}worker-[0-9]+$`).test(name) && !workerNames.includes(name);
}
