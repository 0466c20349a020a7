import type { Variable } from '../config/variable.ts';
import type { System } from '../system/system.ts';
import type { MachineEngine } from './machine.ts';
import type { PlaceScript } from './put.ts';

/** All that the rest of the program needs to offer an engine: one folder exports it, one line of `index.ts` names it. */
export interface EngineDefinition {
  /** As its makers write it; its variables stand under this title. */
  readonly title: string;
  /** For people who choose, e.g. where it runs. */
  readonly about?: string;
  /** Variables of the configuration that only this engine reads. */
  readonly variables: Readonly<Record<string, Omit<Variable, 'group'>>>;
  /** Defaults of these variables that follow from others. */
  readonly defaultsFrom?: (values: EngineValues) => EngineValues;
  /** Values of any variable that this engine cannot work with. */
  readonly check?: (values: Partial<EngineValues>) => readonly { readonly name: string; readonly allowed: string }[];
  readonly create: (parts: EngineParts) => MachineEngine;
}

/** Text by name of the variable, e.g. `RUN_OS`. */
export type EngineValues = Readonly<Record<string, string>>;

export interface EngineParts {
  readonly system: Pick<System, 'processes' | 'files' | 'clock'>;
  readonly place: PlaceScript;
  /** Machines of the lab in their order. */
  readonly names: { readonly nodes: readonly string[]; readonly workloads: readonly string[] };
  /** The values of the engine's own variables. */
  readonly settings: EngineValues;
  /** Called when a session into a machine broke off: it may be restarting, and come back with another address. */
  readonly onLost?: () => void;
}
