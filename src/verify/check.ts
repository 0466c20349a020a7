import type { StepContext } from '../plan/step.ts';
import type { Lab } from '../steps/lab.ts';
import type { WorkloadLab } from '../steps/workload-lab.ts';
import type { LabStep } from '../steps/lab-step.ts';

/** Result of a check. Evidence is a fact that a person can compare: an address, a version, a response. */
export interface Verdict {
  readonly ok: boolean;
  readonly evidence: string;
  /** What to do about a failure that no step repairs; it takes precedence over the steps' advice. */
  readonly hint?: string;
  /** Where to look when every step is ready but the check still fails. */
  readonly look?: string;
  /** The evidence contains the reason: no other check's failure explains this one. */
  readonly certain?: true;
  /** For a failure: names of the checks that cannot run because of it; absent means all that need this one. */
  readonly blocks?: readonly string[];
}

/**
 * Context of a check. `deadline` is the time on the system's clock, in milliseconds since 1970, until which a check may
 * wait for something pending.
 */
export interface CheckContext extends StepContext {
  readonly deadline?: number;
  /** Whether an earlier check has failed, which may be the cause of a failure of this one. */
  readonly failedBefore?: boolean;
  /**
   * Whether a step that creates what the check tests is not ready. Queries the cluster and the machines, but only once.
   */
  readonly stepDiffers?: () => Promise<boolean>;
}

/** A claim of the article, tested by the program. */
export interface Check<L extends Lab = Lab> {
  /** Stable name for the command line and JSON, e.g. `vm-to-mesh`. */
  readonly name: string;
  readonly title: string;
  /** Names of checks; if one of them fails, this check is skipped. */
  readonly needs: readonly string[];
  /** Names of checks whose failure explains a failure of this one; it runs in any case. */
  readonly explainedBy?: readonly string[];
  /** Commands of the steps that create what this tests; they are used to find the advice. */
  readonly commands: readonly LabStep['command'][];
  /** Writes to the lab while it runs (and undoes it): not run when `up` had nothing to change. */
  readonly mutatesLab?: true;
  /** Runs only when requested, by name or by flag. */
  readonly optional?: 'strict' | 'network-policy';
  /** Calls the sample application. */
  readonly usesSample?: true;
  run(lab: L, context: CheckContext): Promise<Verdict>;
}

/** A check of one workload VM; a lab has one for each workload VM. */
export interface WorkloadCheck extends Check<WorkloadLab> {
  readonly of: 'workload';
}

/** One row of the report. */
export interface CheckResult extends Pick<Verdict, 'ok' | 'evidence' | 'hint' | 'blocks'> {
  readonly name: string;
  readonly title: string;
  /** `skipped`: something that it needs has failed, so it is not ok either. */
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** For a check that is not ok: the name of the check that caused it; its own name if there is none. */
  readonly cause?: string;
  readonly durationMs: number;
}

export const pass = (evidence: string): Verdict => ({ ok: true, evidence });

export const fail = (evidence: string, more: Omit<Verdict, 'ok' | 'evidence'> = {}): Verdict => ({
  ok: false,
  evidence,
  ...more,
});
