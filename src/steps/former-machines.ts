import type { Context } from '../system/system.ts';
import type { MachineInfo } from '../machines/machine.ts';
import type { StepContext } from '../plan/step.ts';
import { counted } from '../plan/text.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';
import { removeMachine } from './own-machines.ts';
import { isSpareWorker } from './spare-workers.ts';

/** Machines of this lab that the current settings do not need; surplus workers are handled by `spare-workers`. */
export interface FormerMachines {
  /** On record in this DATA_DIR and ours: `up --prune` and `up --delete` delete them. */
  readonly recorded: readonly MachineInfo[];
  /**
   * Labeled with the name of this lab, but not on record: they may belong to a lab of the same name in another
   * directory.
   */
  readonly labeled: readonly MachineInfo[];
}

/** Finds machines of a former WORKLOAD_VM_NAME or NODE_PREFIX. */
export async function formerMachines(lab: Lab, context: Context): Promise<FormerMachines> {
  const onRecord = await lab.ownership.recorded();
  const recorded: MachineInfo[] = [];
  const labeled: MachineInfo[] = [];
  for (const machine of await lab.machines.all(context)) {
    if (isWanted(lab, machine.name) || isSpareWorker(lab, machine.name)) continue;
    if (onRecord.includes(machine.name)) {
      if ((await lab.ownership.isOurs(machine, context)) === 'ours') recorded.push(machine);
    } else if (machine.lab === lab.config.lab) labeled.push(machine);
  }
  return { recorded, labeled };
}

/** Names on record that the current settings do not need; reads only the record. */
export async function formerNames(lab: Lab): Promise<readonly string[]> {
  return (await lab.ownership.recorded()).filter((name) => !isWanted(lab, name) && !isSpareWorker(lab, name));
}

/**
 * Deletes machines of former settings: part of `up --prune`, `--delete` and `--recreate` only.
 *
 * @param whenInUse true when the whole lab is deleted: then it does not wait until the VM of the current settings is a
 * member
 */
export function formerMachinesStep(lab: Lab, { whenInUse }: { readonly whenInUse: boolean }): LabStep {
  const removeAll = async (context: StepContext): Promise<readonly string[]> => {
    const all = await lab.machines.all(context);
    const ours = (await formerMachines(lab, context)).recorded.map(({ name }) => name);
    const gone = (await formerNames(lab)).filter((name) => !all.some((machine) => machine.name === name));
    const removed: string[] = [];
    // The machine of an interrupted launch may still come up. A record without a machine is deleted.
    for (const name of [...ours, ...gone]) if (await removeMachine(lab, name, context)) removed.push(name);
    return removed;
  };
  return {
    id: 'former-machines',
    title: 'machines left over from previous settings',
    // The former machines may be in use until the VM of the current settings is a member.
    needs: whenInUse ? [] : ['sidecar', 'route', 'sample'],
    command: 'up',
    tools: ['machines'],
    expectMs: 5_000,
    async check(context) {
      const names = (await formerMachines(lab, context)).recorded.map(({ name }) => name);
      return names.length === 0
        ? 'ready'
        : { drifted: `${counted(names.length, 'machine')} left over: ${names.join(', ')}` };
    },
    async apply(context) {
      await removeAll(context);
    },
    async remove(context) {
      return (await removeAll(context)).length === 0 ? 'absent' : 'removed';
    },
  };
}

function isWanted({ config }: Lab, name: string): boolean {
  return [config.k3s.master, ...config.k3s.workerNames, ...config.workloads.map((workload) => workload.name)].includes(
    name,
  );
}
