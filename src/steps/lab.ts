import type { Bundle } from '../artifacts/bundle.ts';
import type { Config } from '../config/config.ts';
import type { MachineEngine, MachineInfo } from '../machines/machine.ts';
import type { Ownership } from '../machines/ownership.ts';
import type { Context, System, Host } from '../system/system.ts';
import type { Mask } from '../system/mask.ts';
import type { ShippedData } from '../system/shipped.ts';
import type { ContainerTool } from '../tools/container.ts';
import type { Istioctl } from '../tools/istioctl.ts';
import type { Kubectl } from '../tools/kubectl.ts';
import type { GuestState } from '../guest/state.ts';

/** Everything that steps and checks may use: the configuration and the tools. Created by `app.ts`. */
export interface Lab {
  readonly config: Config;
  readonly host: Host;
  readonly shipped: ShippedData;
  readonly system: System;
  readonly engine: MachineEngine;
  readonly ownership: Ownership;
  readonly kubectl: Kubectl;
  readonly istioctl: Istioctl;
  readonly container: ContainerTool;
  readonly mask: Mask;
  readonly machines: MachineList;
  /** The workload VM of this name. */
  readonly workloadVm: (name: string) => WorkloadVm;
  readonly options: LabOptions;
  /** Set when all files come from a bundle: then nothing is downloaded. */
  readonly bundle?: Bundle;
}

export interface LabOptions {
  /** False after `--no-fix-ca`: leave the CA address that istioctl wrote. */
  readonly fixCa: boolean;
  /** False after `--no-fix-pilot`. */
  readonly fixPilot: boolean;
}

/** The engine's list of machines, cached until something changes. */
export interface MachineList {
  find(name: string, context: Context): Promise<MachineInfo | undefined>;
  all(context: Context): Promise<readonly MachineInfo[]>;
  forget(): void;
}

/** A workload VM's state, read in one remote call and cached until something changes. */
export interface WorkloadVm {
  /** Undefined when the machine is absent or not running. */
  state(context: Context): Promise<GuestState | undefined>;
  forget(): void;
}
