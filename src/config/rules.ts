import { machineNamesAreShortEnough, machineNamesDiffer, namespacesAreOurs, networksDiffer } from './name-rules.ts';
import { directoriesAreOwn, directoriesDiffer, kubeconfigIsTheLabs, pathsArePlain } from './path-rules.ts';
import { appPortIsFree, insidePortsAreFree, outsidePortsAreFree, portsDiffer } from './port-rules.ts';
import type { Rule } from './rule.ts';
import { istioIsNewEnough, k3sIsNewEnough, releaseFitsK3s } from './version-rules.ts';

/** Every rule that looks at more than one value, in the order in which people read them. */
export const RULES: readonly Rule[] = [
  istioIsNewEnough,
  k3sIsNewEnough,
  releaseFitsK3s,
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
