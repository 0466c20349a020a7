import type { System, Host } from '../system/system.ts';
import type { ShippedData } from '../system/shipped.ts';
import { createDownloads } from './downloads.ts';
import { DEFAULT_ENGINE } from './engines/traits.ts';
import { hostWith, startFault } from './fault-setups.ts';
import { findFault } from './faults.ts';
import { withFileFaults } from './file-faults.ts';
import { createFiles, type SimulatedFiles } from './files.ts';
import { container } from './host/container.ts';
import { istioctl } from './host/istioctl.ts';
import { kubectl } from './host/kubectl.ts';
import { incus } from './engines/incus/index.ts';
import { multipass } from './engines/multipass/index.ts';
import { createMesh } from './mesh/index.ts';
import { createProcesses, type SimulatedProcesses, type TranscriptEntry } from './processes.ts';
import { createWorld } from './state.ts';
import type { EngineState, HostProgram, Instance, Mesh, World } from './world.ts';

export { FAULTS, faultsOf } from './faults.ts';
export type { TranscriptEntry } from './processes.ts';

export interface RehearsalOptions {
  readonly host: Host;
  readonly shipped: ShippedData;
  /** Names of faults; see `FAULTS`. */
  readonly faults?: readonly string[];
  /** True: no fault is active until `enableFaults` is called, so that a rehearsal can prepare without faults. */
  readonly faultsDisabledAtStart?: boolean;
  /** Start time of the world, milliseconds since 1970. */
  readonly start?: number;
  /** Host programs that are installed; default the engine's and all others. */
  readonly tools?: readonly string[];
  /** The engine to simulate; default: the first one. */
  readonly engine?: string;
  /** Values of the engine's own variables; everything that they name exists. */
  readonly engineSettings?: EngineState['settings'];
  /** Existing machines that were not created by istio-vms. */
  readonly foreign?: readonly Pick<Instance, 'name' | 'state'>[];
  /** Host files that exist from the beginning. */
  readonly seedFiles?: Readonly<Record<string, string>>;
}

export interface Rehearsal {
  readonly system: System;
  /** `world.host` is the computer after the faults' changes, and may differ from the given one. */
  readonly world: World;
  readonly mesh: Mesh;
  readonly files: SimulatedFiles;
  readonly transcript: readonly TranscriptEntry[];
  /** Kills all running host programs, or those of some commands. */
  readonly killAll: SimulatedProcesses['killAll'];
  /** Switches the chosen faults on. */
  readonly enableFaults: () => void;
  /** Runs work in virtual time: when all of it waits, the clock jumps. */
  readonly drive: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Host programs by name; `istioctl` stands for every downloaded version. */
export const HOST_PROGRAMS: Readonly<Record<string, HostProgram>> = {
  multipass,
  incus,
  kubectl,
  docker: container,
  podman: container,
  istioctl,
};

/**
 * A whole simulated world behind the system interfaces.
 * @throws CliError for a fault that does not exist, or not with this engine
 */
export function createRehearsal(options: RehearsalOptions): Rehearsal {
  const engine = options.engine ?? DEFAULT_ENGINE;
  const faults = (options.faults ?? []).map((name) => findFault(name, engine).name);
  const world = createWorld({ ...options, host: hostWith(faults, options.host) });
  const mesh = createMesh(world);
  const misbehave = (): void => {
    for (const fault of faults) startFault({ world, mesh }, fault);
  };
  if (options.faultsDisabledAtStart !== true) misbehave();
  const files = createFiles(options.seedFiles);
  const processes = createProcesses({ world, mesh, files, programs: HOST_PROGRAMS });
  const downloads = createDownloads(world, files);
  return {
    system: { processes, files: withFileFaults(world, files), clock: world.clock, downloads },
    world,
    mesh,
    files,
    transcript: processes.transcript,
    killAll: (these) => processes.killAll(these),
    enableFaults: misbehave,
    drive: (work) => world.clock.drive(work()),
  };
}
