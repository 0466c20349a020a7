import type { MachineInfo } from '../machines/machine.ts';
import type { Step, StepContext } from '../plan/step.ts';
import { findObject, viewCluster } from './cluster.ts';
import type { Lab } from './lab.ts';
import { removeMachine } from './machines.ts';

/** Workers of ours beyond `WORKERS`, left from a run that asked for more. */
export function spareWorkersStep(lab: Lab): Step {
  const spare = async (): Promise<readonly MachineInfo[]> => {
    const ours: MachineInfo[] = [];
    for (const machine of await lab.machines.all()) {
      if (isWorkerName(lab, machine.name) && (await lab.ownership.isOurs(machine)) === 'ours') ours.push(machine);
    }
    return ours;
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
      return names.length === 0
        ? 'ready'
        : { drifted: `${names.join(', ')}: more than WORKERS=${lab.config.k3s.workers} asks for` };
    },
    async apply(context) {
      await removeAll(context);
    },
    remove: removeAll,
  };
}

/** A worker's name in this lab's manner, but not one that the configuration asks for. */
function isWorkerName(lab: Lab, name: string): boolean {
  const { master, workerNames } = lab.config.k3s;
  const prefix = master.slice(0, -'master'.length);
  return new RegExp(`^${prefix}worker-[0-9]+$`).test(name) && !workerNames.includes(name);
}
