import type { Variable } from '../config/variable.ts';
import type { System } from '../system/system.ts';
import type { MachineEngine } from './machine.ts';
import type { PlaceScript } from './put.ts';

/**
 * Everything that the program needs to support an engine. Each engine's folder exports one, and `index.ts` lists it.
 */
export interface EngineDefinition {
  /** The product name as its makers write it; the help shows the engine's variables under this title. */
  readonly title: string;
  /** Short description that helps users choose, e.g. where the engine runs. */
  readonly about?: string;
  /** Variables of the configuration that only this engine reads. */
  readonly variables: Readonly<Record<string, Omit<Variable, 'group'>>>;
  /** Defaults of these variables that depend on other variables. */
  readonly defaultsFrom?: (values: EngineValues) => EngineValues;
  /** Values of any variable that this engine does not support. */
  readonly check?: (values: Partial<EngineValues>) => readonly { readonly name: string; readonly allowed: string }[];
  readonly create: (parts: EngineParts) => MachineEngine;
}

/** Values by name of the variable, e.g. `RUN_OS`. */
export type EngineValues = Readonly<Record<string, string>>;

export interface EngineParts {
  readonly system: Pick<System, 'processes' | 'files' | 'clock'>;
  readonly place: PlaceScript;
  /** Machines of the lab in their order. */
  readonly names: { readonly nodes: readonly string[]; readonly workloads: readonly string[] };
  /** The values of the engine's own variables. */
  readonly settings: EngineValues;
  /** Called when a session into a machine was lost: the machine may be restarting and get another address. */
  readonly onLost?: () => void;
}
