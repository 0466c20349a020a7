import { closure, contract, remainingPath, topologicalOrder, validateGraph } from './graph.ts';
import type { Step } from './step.ts';

export interface Goal {
  readonly kind: 'apply' | 'delete' | 'recreate';
  readonly targets: readonly string[] | 'all';
}

export interface PlannedStep {
  readonly step: Step;
  /** IDs of the steps of the same phase that must finish before this one starts. */
  readonly after: readonly string[];
  /** Longest path from here to the end of the phase, in milliseconds: steps with a longer path start first. */
  readonly remainingMs: number;
}

export interface Phase {
  readonly direction: 'apply' | 'remove';
  /** In an order in which they could run one by one. */
  readonly steps: readonly PlannedStep[];
}

export interface Plan {
  readonly goal: Goal;
  /**
   * Checked before anything is changed, and never changed: what the targets need besides each other, in dependency
   * order.
   */
  readonly required: readonly Step[];
  readonly phases: readonly Phase[];
}

/**
 * Decides which steps run, in which order and direction. Pure.
 * @throws CliError `internal-error` when the graph is invalid or a target is unknown.
 */
export function makePlan(steps: readonly Step[], goal: Goal): Plan {
  validateGraph(steps);
  const targets = new Set(goal.targets === 'all' ? steps.map(({ id }) => id) : goal.targets);
  const needed = closure(steps, targets);
  return {
    goal,
    required: goal.kind === 'delete' ? [] : required(steps, targets, needed),
    phases: [
      ...(goal.kind === 'apply' ? [] : [removal(steps, targets)]),
      ...(goal.kind === 'delete' ? [] : [application(steps, targets)]),
    ],
  };
}

/**
 * Needs of the targets that are not targets themselves, other required steps, and what those need in turn (without
 * which their check makes no sense).
 */
function required(steps: readonly Step[], targets: ReadonlySet<string>, needed: ReadonlySet<string>): readonly Step[] {
  const besides = steps.filter(({ id }) => needed.has(id)).flatMap((step) => step.requires ?? []);
  const outside = closure(
    steps,
    [...needed, ...besides].filter((id) => !targets.has(id)),
  );
  return topologicalOrder(steps).filter(({ id }) => outside.has(id));
}

function application(steps: readonly Step[], targets: ReadonlySet<string>): Phase {
  return phase('apply', steps, contract(steps, targets));
}

/**
 * The reverse order: a step is removed after everything that needs it. Steps without `remove` are skipped, and their
 * order is kept.
 */
function removal(steps: readonly Step[], targets: ReadonlySet<string>): Phase {
  const removable = new Set(steps.filter((step) => targets.has(step.id) && 'remove' in step).map(({ id }) => id));
  const needs = contract(steps, removable);
  const after = new Map(
    [...removable].map((id) => [id, [...needs].filter(([, of]) => of.includes(id)).map(([by]) => by)]),
  );
  return phase('remove', steps.toReversed(), after);
}

function phase(
  direction: Phase['direction'],
  steps: readonly Step[],
  after: ReadonlyMap<string, readonly string[]>,
): Phase {
  const nodes = steps
    .filter(({ id }) => after.has(id))
    .map((step) => ({ id: step.id, needs: after.get(step.id) ?? [], expectMs: step.expectMs, step }));
  const remaining = remainingPath(nodes);
  return {
    direction,
    steps: topologicalOrder(nodes).map(({ id, needs, step }) => ({
      step,
      after: needs,
      remainingMs: remaining.get(id) ?? 0,
    })),
  };
}
