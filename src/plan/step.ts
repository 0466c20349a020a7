import type { Context } from '../system/system.ts';

/** The engine's nouns. Nothing in this room knows Istio. */

/** What a step finds when it looks: there and right, not there, or there and different from what is wanted. */
export type Finding = 'ready' | { readonly missing: string } | { readonly drifted: string };

/** A sentence for the person who watches; the last one is what is shown. */
export type Say = Context['say'];

/** What a step is checked and applied with. */
export type StepContext = Context;

/**
 * What `remove` did. The object form names what was removed, where that is less than the title of the step promises: files
 * of this computer whose cluster goes with its machine.
 */
export type Removal = 'removed' | 'absent' | { readonly removed: string };

export interface Step {
  readonly id: string;
  readonly title: string;
  /** Ids of steps that must be ready before `check` and `apply` make sense. */
  readonly needs: readonly string[];
  /**
   * Ids of steps that `apply` does not wait for, but without which it does not succeed: a run that does not make them
   * itself demands them.
   */
  readonly requires?: readonly string[];
  /** Name of the command that applies it, e.g. `k3s`; `commandHint` shows it to people. */
  readonly command: string;
  /** Kinds of programs of the host that it calls. */
  readonly tools: readonly string[];
  /** What `apply` takes on an ordinary machine, in milliseconds: orders the schedule, promises nothing. */
  readonly expectMs: number;
  /** A limited resource that `apply` and `remove` hold while they run, named by the setting that limits it, e.g. `LAUNCHES`. */
  readonly uses?: string;
  /** Looks and changes nothing. */
  check(context: StepContext): Promise<Finding>;
  /** Makes it so. On a ready thing it does nothing. */
  apply(context: StepContext): Promise<void>;
  /** Takes away what `apply` made, and only that; nothing there is fine, and may be told by `absent`. */
  remove?(context: StepContext): Promise<Removal>;
}
