import { ENGINE_GROUPS, ENGINE_VARIABLES } from './engines.ts';
import type { Variable } from './variable.ts';
import { FILE_VARIABLES } from './variables/files.ts';
import { LAB_VARIABLES } from './variables/lab.ts';
import { MACHINE_VARIABLES } from './variables/machines.ts';
import { NETWORK_VARIABLES } from './variables/network.ts';

/**
 * All variables. run.env.example, docs/configuration.md, flag names and checks are generated from it. Names and
 * defaults are those of the original project, where it has them.
 */
export const SCHEMA = {
  ...LAB_VARIABLES,
  ...MACHINE_VARIABLES,
  ...ENGINE_VARIABLES,
  ...NETWORK_VARIABLES,
  ...FILE_VARIABLES,
} as const satisfies Record<string, Variable>;

/** The sections of run.env.example and docs/configuration.md, in order. */
export const GROUPS: readonly string[] = [
  ...['Lab', 'Istio', 'Cluster', 'Workload VM'],
  ...ENGINE_GROUPS,
  ...['Mesh and networks', 'Gateway ports', 'Files'],
];

export type VariableName = keyof typeof SCHEMA;

export const VARIABLE_NAMES = Object.keys(SCHEMA) as readonly VariableName[];

/** The schema entry of a variable, typed with its optional fields. */
export function variable(name: VariableName): Variable {
  return SCHEMA[name];
}

export function isVariableName(name: string): name is VariableName {
  return Object.hasOwn(SCHEMA, name);
}
