import type { EngineDefinition, EngineValues } from '../machines/definition.ts';
import { ENGINES } from '../machines/index.ts';
import type { Variable } from './variable.ts';

/** The configuration gets the engines from the map of engines; no engine is named in this file. */
const definitions: Readonly<Record<string, EngineDefinition>> = ENGINES;

type VariablesOf = { [Name in keyof typeof ENGINES]: keyof (typeof ENGINES)[Name]['variables'] };
type EngineVariableName = VariablesOf[keyof VariablesOf];

export const [DEFAULT_ENGINE, ...OTHER_ENGINES] = Object.keys(ENGINES) as [string, ...string[]];

/** Group titles of the engines' variables, in the order of the engines. */
export const ENGINE_GROUPS = Object.values(definitions)
  .filter(({ variables }) => Object.keys(variables).length > 0)
  .map(({ title }) => title);

/** The variables of every engine. */
export const ENGINE_VARIABLES = Object.fromEntries(
  Object.values(definitions).flatMap(({ title, variables }) =>
    Object.entries(variables).map(([name, variable]) => [name, { ...variable, group: title }]),
  ),
) as Readonly<Record<EngineVariableName, Variable>>;

/** `one, or other (Linux)`: the available engines. */
export function engineChoices(): string {
  const shown = Object.entries(definitions).map(([name, { about }]) =>
    about === undefined ? name : `${name} (${about})`,
  );
  return shown.length === 1 ? shown.join('') : `${shown.slice(0, -1).join(', ')}, or ${shown.at(-1) ?? ''}`;
}

/** Defaults of the engines' variables that depend on other variables. */
export function engineDefaults(values: EngineValues): EngineValues {
  return Object.assign(
    {},
    ...Object.values(definitions).map(({ defaultsFrom }) => defaultsFrom?.(values)),
  ) as EngineValues;
}

/** The settings that the chosen engine does not support. */
export function engineProblems(values: Partial<EngineValues>): ReturnType<NonNullable<EngineDefinition['check']>> {
  return definitions[values['MACHINE_ENGINE'] ?? '']?.check?.(values) ?? [];
}

/** The values of the variables that belong only to this engine. */
export function engineSettings(engine: string, text: (name: EngineVariableName) => string): EngineValues {
  const names = Object.keys(definitions[engine]?.variables ?? {}) as EngineVariableName[];
  return Object.fromEntries(names.map((name) => [name, text(name)]));
}
