import type { MachineInfo } from '../machines/machine.ts';
import type { Step, StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import { counted } from '../plan/words.ts';
import type { KubeObject } from '../tools/kube-object.ts';
import { findObject, rolloutState, viewCluster } from './cluster.ts';
import type { Lab } from './lab.ts';
import { removeMachine } from './own-machines.ts';

const MOVE_MS = 300_000;

/** Workers of ours beyond `WORKERS`, machine or node, left from a run that asked for more. */
export function spareWorkersStep(lab: Lab): Step {
  const spare = async (): Promise<readonly MachineInfo[]> => {
    const ours: MachineInfo[] = [];
    for (const machine of await lab.machines.all()) {
      if (isWorkerName(lab, machine.name) && (await lab.ownership.isOurs(machine)) === 'ours') ours.push(machine);
    }
    return ours;
  };
  /** Nodes whose machine is gone: the cluster goes on counting with them, and with the pods that ran there. */
  const strandedNodes = async (): Promise<readonly string[]> => {
    const machines = (await lab.machines.all()).map(({ name }) => name);
    return (await viewCluster(lab)).objects
      .filter(({ kind }) => kind === 'Node')
      .map(({ metadata }) => metadata.name)
      .filter((name) => isWorkerName(lab, name) && !machines.includes(name));
  };
  /** Workers that the record of a run that was cut still names. */
  const notedForNothing = async (): Promise<readonly string[]> => {
    const machines = (await lab.machines.all()).map(({ name }) => name);
    return (await lab.ownership.recorded()).filter((name) => isWorkerName(lab, name) && !machines.includes(name));
  };
  const removeAll = async (context: StepContext): Promise<'removed' | 'absent'> => {
    const machines = await spare();
    for (const { name } of machines) {
      await removeMachine(lab, name, context);
      if (findObject(await viewCluster(lab), 'Node', name) !== undefined) await lab.kubectl.remove('node', name);
    }
    return machines.length === 0 ? 'absent' : 'removed';
  };
  return {
    id: 'spare-workers',
    title: 'no worker too many',
    needs: ['k3s-server'],
    madeBy: 'istio-vms k3s',
    expectMs: 0,
    async check() {
      const names = (await spare()).map(({ name }) => name);
      if (names.length > 0) {
        return { drifted: `${names.join(', ')}: more than WORKERS=${lab.config.k3s.workers} asks for` };
      }
      const stranded = await strandedNodes();
      if (stranded.length > 0) return { drifted: `nodes without a machine: ${stranded.join(', ')}` };
      const noted = await notedForNothing();
      return noted.length === 0 ? 'ready' : { drifted: `the record still names ${noted.join(', ')}` };
    },
    async apply(context) {
      const names = (await spare()).map(({ name }) => name);
      await removeAll(context);
      for (const name of await strandedNodes()) {
        context.say(`forgetting the node ${name}`);
        await lab.kubectl.remove('node', name);
        names.push(name);
      }
      for (const name of await notedForNothing()) await lab.ownership.forget(name);
      await waitForPodsToMove(lab, names, context);
    },
    remove: removeAll,
  };
}

/** Pods of a node that is gone are made anew elsewhere, but not at once: Kubernetes waits before it believes it. */
async function waitForPodsToMove(lab: Lab, from: readonly string[], context: StepContext): Promise<void> {
  const isOn = (pod: KubeObject): boolean =>
    from.includes((pod['spec'] as { nodeName?: string } | undefined)?.nodeName ?? '');
  await waitUntil({
    clock: lab.doors.clock,
    signal: context.signal,
    say: context.say,
    what: 'the pods of the former workers',
    deadlineMs: MOVE_MS,
    intervalMs: 2_000,
    hint: `Look at \`kubectl --kubeconfig ${lab.config.paths.kubeconfig} get pods --all-namespaces\`: the workers that are left may be too small.`,
    probe: async () => {
      lab.kubectl.forget();
      const { objects, unreachable } = await viewCluster(lab);
      if (unreachable !== undefined) return { notYet: unreachable };
      const stranded = objects.filter((object) => object.kind === 'Pod' && isOn(object)).length;
      if (stranded > 0) return { notYet: `${counted(stranded, 'pod')} on nodes that are gone` };
      const late = objects.find((object) => object.kind === 'Deployment' && rolloutState(object) !== 'available');
      return late === undefined ? { done: true } : { notYet: `${late.metadata.name}: ${rolloutState(late)}` };
    },
  });
}

/** A worker's name in this lab's manner, but not one that the configuration asks for. */
function isWorkerName(lab: Lab, name: string): boolean {
  const { master, workerNames } = lab.config.k3s;
  const prefix = master.slice(0, -'master'.length);
  return new RegExp(`^${prefix}worker-[0-9]+$`).test(name) && !workerNames.includes(name);
}
