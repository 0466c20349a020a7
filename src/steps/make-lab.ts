import type { Config } from '../config/config.ts';
import { demoPaths } from '../guest/demo.ts';
import { sidecarPaths } from '../guest/sidecar.ts';
import { parseGuestState, stateCommand } from '../guest/state.ts';
import { createEngine } from '../machines/index.ts';
import { createOwnership } from '../machines/ownership.ts';
import type { Doors, Host } from '../system/doors.ts';
import type { Mask } from '../system/mask.ts';
import type { ShippedData } from '../system/shipped.ts';
import { createContainer } from '../tools/container.ts';
import { createIstioctl } from '../tools/istioctl.ts';
import { createKubectl } from '../tools/kubectl.ts';
import type { Lab, LabOptions, MachineList } from './lab.ts';
import { once } from './once.ts';

export interface LabInput {
  readonly config: Config;
  readonly host: Host;
  readonly shipped: ShippedData;
  readonly doors: Doors;
  readonly mask: Mask;
  readonly options: LabOptions;
}

/** Puts the tools together for one lab. */
export function makeLab(input: LabInput): Lab {
  const { config, doors, shipped } = input;
  const engine = createEngine(doors, shipped, config, () => list.forget());
  const list = once(() => engine.list());
  const machines: MachineList = {
    all: () => list.get(),
    find: async (name) => (await list.get()).find((machine) => machine.name === name),
    forget: () => list.forget(),
  };
  const guest = once(async () => {
    const found = await machines.find(config.vm.name);
    // A command on a stopped machine would start it (facts/multipass.md 1.2): only a running one is asked.
    if (found?.state !== 'running' || found.addresses.length === 0) return undefined;
    const paths = [...sidecarPaths, ...demoPaths];
    return parseGuestState((await engine.machine(config.vm.name).run(stateCommand(shipped, paths))).stdout);
  });
  return {
    ...input,
    engine,
    machines,
    ownership: createOwnership({ files: doors.files, clock: doors.clock, config, engine }),
    kubectl: createKubectl({ processes: doors.processes, clock: doors.clock, config }),
    istioctl: createIstioctl({ processes: doors.processes, clock: doors.clock, config }),
    container: createContainer({ processes: doors.processes, files: doors.files, config }),
    workloadVm: { state: () => guest.get(), forget: () => guest.forget() },
  };
}
