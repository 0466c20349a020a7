import { nodeCloudInit, workloadCloudInit } from '../guest/cloud-init.ts';
import { foreignMachine } from '../machines/ownership.ts';
import type { MachineSpec } from '../machines/machine.ts';
import type { StepContext } from '../plan/step.ts';
import type { Lab } from './lab.ts';
import type { LabStep, StepCommand } from './lab-step.ts';
import { launchMachine, requireOwnMachine, removeMachine } from './own-machines.ts';
import { removeWorkloadFiles } from './workload.ts';
import { workloadLabs, type WorkloadLab } from './workload-lab.ts';

/** Duration of a launch when the image is cached (docs/facts/figures.md 1: one launch 13–42 s). */
const LAUNCH_MS = 40_000;

/** The machine of the control plane, one for each worker, and the workload VMs. */
export function machineSteps(lab: Lab): readonly LabStep[] {
  const { k3s } = lab.config;
  return [
    machineStep(lab, 'master', `machine ${k3s.master}`, 'k3s', {
      name: k3s.master,
      ...sized(lab, k3s.masterSize),
      cloudInit: nodeCloudInit(lab.config),
    }),
    ...k3s.workerNames.map((name, index) =>
      machineStep(lab, `worker-${index + 1}`, `machine ${name}`, 'k3s', {
        name,
        ...sized(lab, k3s.workerSize),
        cloudInit: nodeCloudInit(lab.config),
      }),
    ),
    ...workloadLabs(lab).map((of) => workloadMachineStep(of)),
  ];
}

/** A workload VM. Its cached state and its files are deleted with it. */
function workloadMachineStep(lab: WorkloadLab): LabStep {
  const { name, size } = lab.workload;
  const step = machineStep(lab, `vm${lab.suffix}`, `machine ${name}`, 'vm', {
    name,
    ...sized(lab, size),
    cloudInit: workloadCloudInit(lab.config),
  });
  return {
    ...step,
    apply: (context) => step.apply(context).finally(() => lab.vm.forget()),
    remove: async (context) => {
      const removed = (await step.remove?.(context)) ?? 'absent';
      // The files contain this machine's address, which would be wrong for another machine.
      await removeWorkloadFiles(lab);
      return removed;
    },
  };
}

function sized(
  lab: Lab,
  size: { cpus: number; memory: string; disk: string },
): Omit<MachineSpec, 'name' | 'cloudInit'> {
  return { release: lab.config.runOs, cpus: size.cpus, memory: size.memory, disk: size.disk };
}

function machineStep(lab: Lab, id: string, title: string, command: StepCommand, spec: MachineSpec): LabStep {
  const { name } = spec;
  return {
    id,
    title,
    needs: [],
    command,
    tools: ['machines'],
    expectMs: LAUNCH_MS,
    uses: 'LAUNCHES',

    async check(context) {
      const found = await lab.machines.find(name, context);
      if (found === undefined) return { missing: `no machine ${name}` };
      if (found.state === 'deleted') return { missing: `${name} is soft-deleted` };
      if (!(await requireOwnMachine(lab, found, context))) throw foreignMachine(found, lab.engine);
      if (found.state !== 'running') return { drifted: `${name} is ${found.state}` };
      if (found.addresses.length === 0) return { drifted: `${name} has no address yet` };
      // An interrupted launch, or one whose cloud-init failed, leaves a running machine that is not usable.
      const confirmed = await lab.ownership.isConfirmed(name);
      return confirmed ? 'ready' : { drifted: `the first start of ${name} was interrupted` };
    },

    async apply(context: StepContext) {
      const found = await lab.machines.find(name, context);
      if (found !== undefined && found.state !== 'running' && (await lab.ownership.isOurs(found, context)) !== 'ours') {
        throw foreignMachine(found, lab.engine);
      }
      try {
        const rests = found?.state === 'stopped' || found?.state === 'suspended';
        // A machine whose launch never completed may be unable to start. It holds no data, so it may be recreated.
        if (rests && (await lab.ownership.isConfirmed(name))) {
          context.say('starting it again');
          await lab.engine.start(name, context);
        } else {
          // An earlier run may have been interrupted during its launch, so the machine may still come up at any time.
          const unfinished = (await lab.ownership.unfinishedSince(name)) !== undefined;
          if (found?.state === 'deleted') await lab.engine.remove(name, context);
          await launchMachine(lab, spec, { ...context, ours: found !== undefined || unfinished, unfinished });
        }
      } finally {
        lab.machines.forget();
      }
    },

    async remove(context: StepContext) {
      return (await removeMachine(lab, name, context)) ? 'removed' : 'absent';
    },
  };
}
