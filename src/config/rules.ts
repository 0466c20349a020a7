import { engineProblems } from './engines.ts';
import { machineNamesAreShortEnough, machineNamesDiffer, namespacesAreOurs, networksDiffer } from './name-rules.ts';
import { directoriesAreOwn, directoriesDiffer, kubeconfigIsTheLabs, pathsArePlain } from './path-rules.ts';
import { appPortIsFree, insidePortsAreFree, outsidePortsAreFree, portsDiffer } from './port-rules.ts';
import type { Rule } from './rule.ts';
import { isVariableName } from './schema.ts';
import { istioIsNewEnough, k3sIsNewEnough, releaseFitsK3s } from './version-rules.ts';

/** The settings that the chosen engine does not support, by the engine's own rules. */
const engineAgrees: Rule = ({ values }) =>
  engineProblems(values).flatMap(({ name, allowed }) => (isVariableName(name) ? [{ name, allowed }] : []));

/** Every rule that checks several values together, in the order in which problems are shown. */
export const RULES: readonly Rule[] = [
  istioIsNewEnough,
  k3sIsNewEnough,
  releaseFitsK3s,
  engineAgrees,
  machineNamesDiffer,
  machineNamesAreShortEnough,
  namespacesAreOurs,
  networksDiffer,
  outsidePortsAreFree,
  insidePortsAreFree,
  appPortIsFree,
  portsDiffer,
  pathsArePlain,
  directoriesAreOwn,
  directoriesDiffer,
  kubeconfigIsTheLabs,
];
