import type { Context } from '../system/system.ts';

/** Types of the scheduler, which does not depend on Istio. */

/** The result of a check: ready, missing, or different from the configuration. */
export type Finding = 'ready' | { readonly missing: string } | { readonly drifted: string };

/** Reports progress to the user; only the latest message is shown. */
export type Say = Context['say'];

/** The context of `check`, `apply` and `remove`. */
export type StepContext = Context;

/**
 * The result of `remove`. The object form names what was removed, when that is less than the title of the step says:
 * local files, if the cluster is deleted with its machine.
 */
export type Removal = 'removed' | 'absent' | { readonly removed: string };

export interface Step {
  readonly id: string;
  readonly title: string;
  /** IDs of steps that must be ready before `check` and `apply` make sense. */
  readonly needs: readonly string[];
  /**
   * IDs of steps that `apply` does not wait for, but cannot succeed without: a run that does not apply them itself
   * requires them to be ready.
   */
  readonly requires?: readonly string[];
  /** Name of the command that applies it, e.g. `k3s`; `commandHint` shows it to people. */
  readonly command: string;
  /** Kinds of host programs that it calls. */
  readonly tools: readonly string[];
  /** Typical duration of `apply`, in milliseconds; used only to order the schedule. */
  readonly expectMs: number;
  /** A limited resource that `apply` and `remove` hold while they run, named by the setting that limits it, e.g. `LAUNCHES`. */
  readonly uses?: string;
  /** Compares the actual state with the configuration. Changes nothing. */
  check(context: StepContext): Promise<Finding>;
  /** Creates or updates the resource. Does nothing when it is ready. */
  apply(context: StepContext): Promise<void>;
  /** Deletes what `apply` created, and only that. Succeeds when nothing exists, and may then return `absent`. */
  remove?(context: StepContext): Promise<Removal>;
}
