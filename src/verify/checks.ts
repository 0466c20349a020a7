import { CliError } from '../errors/cli-error.ts';
import type { Check } from './check.ts';
import { gateway, istiod, nodes, sample, versions } from './cluster-checks.ts';
import { health } from './health.ts';
import { networkPolicy } from './network-policy.ts';
import { strict } from './strict.ts';
import { meshToVm, vmToMesh } from './traffic-checks.ts';
import { dns, identity, registration, sidecar, workloadFiles } from './vm-checks.ts';

/** Every proof, in the order in which the article makes them: what is below stands on what is above. */
export const CHECKS: readonly Check[] = [
  nodes,
  versions,
  istiod,
  gateway,
  workloadFiles,
  sidecar,
  dns,
  identity,
  sample,
  vmToMesh,
  registration,
  health,
  meshToVm,
  strict,
  networkPolicy,
];

/** These checks and all that they need, directly or not, in the order of proofs. */
export function withNeeds(checks: readonly Check[]): readonly Check[] {
  const wanted = new Map(checks.map((check) => [check.name, check]));
  // What is below stands on what is above: from the end, each check adds its needs before their turn comes.
  const found = CHECKS.toReversed().flatMap((known) => {
    const check = wanted.get(known.name);
    if (check === undefined) return [];
    for (const need of check.needs) {
      const needed = CHECKS.find(({ name }) => name === need);
      if (needed !== undefined && !wanted.has(need)) wanted.set(need, needed);
    }
    return [check];
  });
  return found.toReversed();
}

export interface Choice {
  /** Names from the command line; empty means all that are not optional. */
  readonly names: readonly string[];
  readonly strict: boolean;
  readonly networkPolicy: boolean;
  /** Only checks that write nothing. */
  readonly readOnly?: boolean;
}

/** The checks to run. @throws CliError `wrong-usage` that lists the names when one is unknown */
export function chooseChecks(choice: Choice): readonly Check[] {
  const unknown = choice.names.filter((name) => !CHECKS.some((check) => check.name === name));
  if (unknown.length > 0) {
    throw new CliError('wrong-usage', {
      message: `There is no check named ${unknown.join(', ')}.`,
      hint: `Choose from: ${CHECKS.map((check) => check.name).join(' ')}`,
    });
  }
  return CHECKS.filter((check) => {
    if (choice.readOnly === true && check.mutatesLab === true) return false;
    const byFlag =
      (check.optional === 'strict' && choice.strict) || (check.optional === 'network-policy' && choice.networkPolicy);
    if (byFlag) return true;
    return choice.names.length > 0 ? choice.names.includes(check.name) : check.optional === undefined;
  });
}
