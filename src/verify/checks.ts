import type { WorkloadConfig } from '../config/config.ts';
import { CliError } from '../errors/cli-error.ts';
import { suffixOf, workloadLab } from '../steps/workload-lab.ts';
import type { Check, WorkloadCheck } from './check.ts';
import { gateway, istiod, nodes, sample, versions } from './cluster-checks.ts';
import { health } from './health.ts';
import { networkPolicy } from './network-policy.ts';
import { strict } from './strict.ts';
import { meshToVm, vmToMesh } from './traffic-checks.ts';
import { dns, identity, registration, sidecar, workloadFiles } from './vm-checks.ts';

/** Every check, in the order of the walk-through: later checks depend on earlier ones. */
const DEFINITIONS: readonly (Check | WorkloadCheck)[] = [
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

/** The checks of a lab, with each VM check once for each workload VM. */
export function checksOf({
  workloads,
}: {
  readonly workloads: readonly Pick<WorkloadConfig, 'name'>[];
}): readonly Check[] {
  return DEFINITIONS.flatMap((check) =>
    'of' in check
      ? workloads.map(({ name }, place) => ofWorkload(check, place, name, suffixOf(workloads, name)))
      : [check],
  );
}

const WORKLOAD_CHECKS: ReadonlySet<string> = new Set(
  DEFINITIONS.filter((check) => 'of' in check).map(({ name }) => name),
);

/** The checks of a lab with one workload VM. */
export const CHECKS = checksOf({ workloads: [{ name: '' }] });

/** The check of the VM with this index in the configuration; names of further VMs' checks end with the VM's name. */
function ofWorkload(check: WorkloadCheck, place: number, vm: string, suffix: string): Check {
  const named = (names: readonly string[]): readonly string[] =>
    names.map((name) => (WORKLOAD_CHECKS.has(name) ? `${name}${suffix}` : name));
  return {
    ...check,
    name: `${check.name}${suffix}`,
    title: place === 0 ? check.title : `${check.title} (${vm})`,
    needs: named(check.needs),
    ...(check.explainedBy === undefined ? {} : { explainedBy: named(check.explainedBy) }),
    async run(lab, context) {
      const workload = lab.config.workloads[place];
      if (workload === undefined) throw new CliError('internal-error', { message: `There is no workload VM ${vm}.` });
      const verdict = await check.run(workloadLab(lab, workload), context);
      return verdict.blocks === undefined ? verdict : { ...verdict, blocks: named(verdict.blocks) };
    },
  };
}

/** These checks and all that they need, directly or indirectly, in the order of the walk-through. */
export function withNeeds(checks: readonly Check[], all: readonly Check[] = CHECKS): readonly Check[] {
  const wanted = new Map(checks.map((check) => [check.name, check]));
  // Checks only need earlier ones. Going backwards, each check adds its needs before they are visited.
  const found = all.toReversed().flatMap((known) => {
    const check = wanted.get(known.name);
    if (check === undefined) return [];
    for (const need of check.needs) {
      const needed = all.find(({ name }) => name === need);
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
  /** Whether to run only checks that write nothing. */
  readonly readOnly?: boolean;
}

/** The checks to run. @throws CliError `usage-error` that lists the names when one is unknown */
export function chooseChecks(choice: Choice, all: readonly Check[] = CHECKS): readonly Check[] {
  const unknown = choice.names.filter((name) => !all.some((check) => check.name === name));
  if (unknown.length > 0) {
    throw new CliError('usage-error', {
      message: `There is no check named ${unknown.join(', ')}.`,
      hint: `Choose from: ${all.map((check) => check.name).join(' ')}`,
    });
  }
  return all.filter((check) => {
    if (choice.readOnly === true && check.mutatesLab === true) return false;
    const byFlag =
      (check.optional === 'strict' && choice.strict) || (check.optional === 'network-policy' && choice.networkPolicy);
    if (byFlag) return true;
    return choice.names.length > 0 ? choice.names.includes(check.name) : check.optional === undefined;
  });
}
