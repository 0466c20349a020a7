import type { Config, WorkloadConfig } from '../config/config.ts';
import { CliError } from '../errors/cli-error.ts';
import { demoPaths } from '../guest/demo.ts';
import { sidecarPaths } from '../guest/sidecar.ts';
import { parseGuestState, stateCommand } from '../guest/state.ts';
import { createEngine } from '../machines/create-engine.ts';
import type { MachineEngine } from '../machines/machine.ts';
import { createOwnership } from '../machines/ownership.ts';
import type { Context, System, Host } from '../system/system.ts';
import type { Mask } from '../system/mask.ts';
import type { ShippedData } from '../system/shipped.ts';
import { createContainer } from '../tools/container.ts';
import { createIstioctl } from '../tools/istioctl.ts';
import { createKubectl } from '../tools/kubectl.ts';
import type { Lab, LabOptions, MachineList, WorkloadVm } from './lab.ts';
import { memoize } from './memoize.ts';

export interface LabInput {
  readonly config: Config;
  readonly host: Host;
  readonly shipped: ShippedData;
  readonly system: System;
  readonly mask: Mask;
  readonly options: LabOptions;
}

/** For how many milliseconds the engine's list of machines counts as current. */
const FRESH_MS = 1_000;

/** Combines the tools for one lab. */
export function createLab(input: LabInput): Lab {
  const { config, system, shipped } = input;
  const engine = createEngine(system, shipped, config, () => list.forget());
  let listedAt = 0;
  const list = memoize(async (context: Context) => {
    const all = await engine.list(context);
    listedAt = system.clock.now();
    return all;
  });
  const isFresh = (): boolean => system.clock.now() - listedAt < FRESH_MS;
  const machines: MachineList = {
    all: (context) => list.get(context),
    find: async (name, context) => (await list.get(context)).find((machine) => machine.name === name),
    forget: () => list.forget(),
  };
  const workloadVms = new Map(
    config.workloads.map((workload) => [
      workload.name,
      createWorkloadVm(input, workload, { engine, machines, isFresh }),
    ]),
  );
  const kubectl = createKubectl({ processes: system.processes, clock: system.clock, config });
  const istioctl = createIstioctl({ processes: system.processes, clock: system.clock, config });
  return {
    ...input,
    engine,
    machines,
    ownership: createOwnership({ files: system.files, clock: system.clock, config, engine }),
    kubectl,
    // An install adds kinds, even if it fails half way.
    istioctl: { ...istioctl, install: (...args) => istioctl.install(...args).finally(() => kubectl.forgetKinds()) },
    container: createContainer({ processes: system.processes, files: system.files, config }),
    workloadVm: (name) => {
      const vm = workloadVms.get(name);
      if (vm === undefined) throw new CliError('internal-error', { message: `${name} is not a workload VM.` });
      return vm;
    },
  };
}

interface MachineAccess {
  readonly engine: MachineEngine;
  readonly machines: MachineList;
  /** Whether the engine's list of machines is still current. */
  readonly isFresh: () => boolean;
}

function createWorkloadVm(
  { shipped }: LabInput,
  { name, appPort }: WorkloadConfig,
  { engine, machines, isFresh }: MachineAccess,
): WorkloadVm {
  const isRunning = async (context: Context): Promise<boolean> => {
    const found = await machines.find(name, context);
    return found?.state === 'running' && found.addresses.length > 0;
  };
  const guest = memoize(async (context: Context) => {
    // A command on a stopped machine would start it (docs/facts/multipass.md 1.2), so only a running one is queried. An
    // older list of machines may be outdated, so it is read again before the machine counts as not running.
    if (!(await isRunning(context))) {
      if (isFresh()) return undefined;
      machines.forget();
      if (!(await isRunning(context))) return undefined;
    }
    const paths = [...sidecarPaths, ...demoPaths];
    return parseGuestState((await engine.machine(name).run(stateCommand(shipped, paths, appPort), context)).stdout);
  });
  return { state: (context) => guest.get(context), forget: () => guest.forget() };
}
