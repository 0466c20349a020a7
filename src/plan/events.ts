import type { CliError } from '../errors/cli-error.ts';
import type { Phase } from './plan.ts';
import type { StepReport } from './report.ts';

/** Progress events of a run, in order. `at` is milliseconds since 1970 on the clock of the run. */
export type RunEvent = { readonly at: number } & (
  | {
      readonly type: 'run-started';
      readonly direction: Phase['direction'];
      readonly steps: readonly { readonly id: string; readonly title: string }[];
    }
  /** All steps before it have finished. */
  | { readonly type: 'step-queued'; readonly id: string }
  | { readonly type: 'step-started'; readonly id: string }
  /** It waits for a limited resource, named by the setting that limits it. */
  | { readonly type: 'step-waiting'; readonly id: string; readonly resource: string; readonly limit: number }
  /** The check is done; the step now applies or removes something. */
  | { readonly type: 'step-working'; readonly id: string }
  | { readonly type: 'step-said'; readonly id: string; readonly text: string }
  /**
   * `ms` is the duration without the wait for a resource; `removed` names what was removed if that is not everything.
   */
  | {
      readonly type: 'step-done';
      readonly id: string;
      readonly outcome: 'ready' | 'changed';
      readonly ms: number;
      readonly removed?: string;
    }
  /** The step was checked, but not started because the run was stopping. */
  | { readonly type: 'step-left'; readonly id: string }
  | {
      readonly type: 'step-failed';
      readonly id: string;
      readonly outcome: 'failed' | 'interrupted';
      readonly ms: number;
      readonly error: CliError;
    }
  | { readonly type: 'run-finished'; readonly direction: Phase['direction']; readonly steps: readonly StepReport[] }
);
