import { CliError } from '../errors/cli-error.ts';
import { nodeCloudInit, workloadCloudInit } from '../guest/cloud-init.ts';
import { foreignMachine } from '../machines/foreign-machine.ts';
import type { EngineContext, MachineInfo, MachineSpec } from '../machines/machine.ts';
import type { Step, StepContext } from '../plan/step.ts';
import { createPatience } from '../system/patience.ts';
import type { Lab } from './lab.ts';
import { removeWorkloadFiles } from './workload.ts';

/** What a launch takes when the image is there (facts/peers.md B1: one launch 13–42 s). */
const LAUNCH_MS = 40_000;
/** No engine of ours is longer at one launch: what began earlier has come up, or never will. */
const LONGEST_LAUNCH_MS = 900_000;
/** How long after a cut launch its machine may still appear, and how often we look (facts/multipass.md 3.3). */
const LATE_MS = 90_000;
const LATE_POLL_MS = 3_000;

/** The machine of the control plane, one for each worker, and the workload VM. */
export function machineSteps(lab: Lab): readonly Step[] {
  const { k3s, vm } = lab.config;
  return [
    machineStep(lab, 'master', `machine ${k3s.master}`, 'istio-vms k3s', {
      name: k3s.master,
      ...sized(lab, k3s.masterSize),
      cloudInit: nodeCloudInit(lab.config),
    }),
    ...k3s.workerNames.map((name, index) =>
      machineStep(lab, `worker-${index + 1}`, `machine ${name}`, 'istio-vms k3s', {
        name,
        ...sized(lab, k3s.workerSize),
        cloudInit: nodeCloudInit(lab.config),
      }),
    ),
    machineStep(lab, 'vm', `machine ${vm.name}`, 'istio-vms vm', {
      name: vm.name,
      ...sized(lab, vm.size),
      cloudInit: workloadCloudInit(lab.config),
    }),
  ];
}

function sized(
  lab: Lab,
  size: { cpus: number; memory: string; disk: string },
): Omit<MachineSpec, 'name' | 'cloudInit'> {
  return { release: lab.config.runOs, cpus: size.cpus, memory: size.memory, disk: size.disk };
}

function machineStep(lab: Lab, id: string, title: string, madeBy: string, spec: MachineSpec): Step {
  const { name } = spec;
  return {
    id,
    title,
    needs: [],
    madeBy,
    expectMs: LAUNCH_MS,
    uses: 'launch',

    async check() {
      const found = await lab.machines.find(name);
      if (found === undefined) return { missing: `no machine ${name}` };
      if (found.state === 'deleted') return { missing: `${name} is soft-deleted` };
      if (!(await mayUse(lab, found))) throw foreignMachine(found, lab.engine);
      if (found.state !== 'running') return { drifted: `${name} is ${found.state}` };
      if (found.addresses.length === 0) return { drifted: `${name} has no address yet` };
      // A launch that was cut, or whose cloud-init failed, leaves a machine that runs and is not to be built upon.
      const confirmed = await lab.ownership.isConfirmed(name);
      return confirmed ? 'ready' : { drifted: `the first start of ${name} was not seen to its end` };
    },

    async apply(context: StepContext) {
      const found = await lab.machines.find(name);
      if (found !== undefined && found.state !== 'running' && (await lab.ownership.isOurs(found)) !== 'ours') {
        throw foreignMachine(found, lab.engine);
      }
      try {
        const rests = found?.state === 'stopped' || found?.state === 'suspended';
        if (rests) {
          context.say('starting it again');
          await lab.engine.start(name, context);
        }
        if (!rests || !(await lab.ownership.isConfirmed(name))) {
          // An earlier run may have been cut in its launch: its machine may come up at any moment from now on.
          const unfinished = (await lab.ownership.unfinishedSince(name)) !== undefined;
          if (found?.state === 'deleted') await lab.engine.remove(name, context);
          await launch(lab, spec, { ...context, ours: found !== undefined || unfinished, unfinished });
        }
      } finally {
        lab.machines.forget();
        if (name === lab.config.vm.name) lab.workloadVm.forget();
      }
    },

    async remove(context: StepContext) {
      const found = await removeMachine(lab, name, context);
      // The files speak of this machine's address; for another one they would be wrong.
      if (name === lab.config.vm.name) await removeWorkloadFiles(lab);
      return found ? 'removed' : 'absent';
    },
  };
}

/**
 * Whether the machine may be built upon: the record is enough to look at it and costs no remote call, the mark on the
 * machine decides where there is no record. Removing asks more, see below.
 */
async function mayUse(lab: Lab, found: MachineInfo): Promise<boolean> {
  // What the engine's own label says costs nothing and is never out of date.
  if (found.lab !== undefined) return (await lab.ownership.isOurs(found)) === 'ours';
  return (await lab.ownership.recorded()).includes(found.name) || (await lab.ownership.isOurs(found)) === 'ours';
}

/**
 * The intent is on record before the deed, so that a run cut in between still knows its machine; what turns out to be
 * somebody else's goes from the record. @throws CliError `foreign-machine`
 */
async function launch(lab: Lab, spec: MachineSpec, context: EngineContext): Promise<void> {
  const { name } = spec;
  await lab.ownership.intend(name);
  try {
    const launched = await lab.engine.launch(spec, context);
    if (launched === 'found') await expectMark(lab, name);
  } catch (thrown) {
    if (thrown instanceof CliError && thrown.reason === 'foreign-machine') await lab.ownership.forget(name);
    throw thrown;
  }
  await lab.ownership.confirm(name);
}

/** What was not launched in this run bears our mark, or it is not ours after all. */
async function expectMark(lab: Lab, name: string): Promise<void> {
  lab.machines.forget();
  const found = await lab.machines.find(name);
  if (found !== undefined && (await lab.ownership.isOurs(found)) !== 'ours') throw foreignMachine(found, lab.engine);
}

/** Removes one machine if it is ours, and tells whether there was one. @throws CliError `foreign-machine` */
export async function removeMachine(lab: Lab, name: string, context: StepContext): Promise<boolean> {
  const found = (await lab.machines.find(name)) ?? (await lateMachine(lab, name, context));
  if (found !== undefined) {
    if ((await lab.ownership.isOurs(found)) !== 'ours') throw foreignMachine(found, lab.engine);
    context.say(`removing ${name}`);
    await lab.engine.remove(name, context);
    lab.machines.forget();
    if (name === lab.config.vm.name) lab.workloadVm.forget();
  }
  await lab.ownership.forget(name);
  return found !== undefined;
}

/**
 * The machine of a launch that was cut a moment ago: nothing lists it while its disk is being made, and it comes up all
 * the same. Waits until it does, or is not to be expected any more.
 */
async function lateMachine(lab: Lab, name: string, { say, signal }: StepContext): Promise<MachineInfo | undefined> {
  const { clock } = lab.doors;
  const since = await lab.ownership.unfinishedSince(name);
  if (since === undefined || clock.now() - since > LONGEST_LAUNCH_MS) return undefined;
  say(`its launch was cut: looking for ${LATE_MS / 1000} s whether ${name} comes up after all`);
  const patience = createPatience(clock, LATE_MS);
  for (;;) {
    await patience.pause(LATE_POLL_MS, signal);
    lab.machines.forget();
    const found = await lab.machines.find(name);
    if (found !== undefined || patience.left() === 0) return found;
  }
}
