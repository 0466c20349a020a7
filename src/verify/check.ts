import type { StepContext } from '../plan/step.ts';
import type { Lab } from '../steps/lab.ts';
import type { WorkloadLab } from '../steps/workload-lab.ts';
import type { LabStep } from '../steps/lab-step.ts';

/** What a check saw. Evidence is a fact that a person can compare: an address, a version, an answer. */
export interface Verdict {
  readonly ok: boolean;
  readonly evidence: string;
  /** What to do about a failure that no step repairs: it goes before the advice that the steps give. */
  readonly hint?: string;
  /** Where to look when every step is as wanted and the check fails all the same. */
  readonly look?: string;
  /** The reason stands in the evidence: no other check's failure explains this one. */
  readonly certain?: true;
  /** Of a failure: names of the checks that it leaves nothing to judge; absent means all that need this one. */
  readonly blocks?: readonly string[];
}

/** World time, in milliseconds since 1970, until which a check may wait for something that is on its way. */
export interface CheckContext extends StepContext {
  readonly deadline?: number;
  /** Whether an earlier check has failed, which may be behind a failure of this one. */
  readonly failedBefore?: boolean;
  /** Whether a step of what the check looks at is not as wanted. Asks the cluster and the machines; they are asked once. */
  readonly stepDiffers?: () => Promise<boolean>;
}

/** One proof of the article, made by the program. */
export interface Check<L extends Lab = Lab> {
  /** Stable name for the command line and JSON, e.g. `vm-to-mesh`. */
  readonly name: string;
  readonly title: string;
  /** Names of checks without which this one is skipped when they have failed. */
  readonly needs: readonly string[];
  /** Names of checks whose failure explains one of this, which runs all the same. */
  readonly explainedBy?: readonly string[];
  /** Commands of the steps that create what this looks at: where the advice is looked for. */
  readonly commands: readonly LabStep['command'][];
  /** Writes to the lab while it runs (and undoes it): left out when `up` had nothing to change. */
  readonly mutatesLab?: true;
  /** Runs only when asked for, by name or by flag. */
  readonly optional?: 'strict' | 'network-policy';
  /** Calls the sample application. */
  readonly usesSample?: true;
  run(lab: L, context: CheckContext): Promise<Verdict>;
}

/** A check of one workload VM; a lab has one of these for each. */
export interface WorkloadCheck extends Check<WorkloadLab> {
  readonly of: 'workload';
}

/** One row of the report. */
export interface CheckResult extends Pick<Verdict, 'ok' | 'evidence' | 'hint' | 'blocks'> {
  readonly name: string;
  readonly title: string;
  /** `skipped`: something that it needs has failed. It is not ok, either. */
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Of what is not ok: the name of the check whose failure is behind it; its own when there is none. */
  readonly cause?: string;
  readonly durationMs: number;
}

export const pass = (evidence: string): Verdict => ({ ok: true, evidence });

export const fail = (evidence: string, more: Omit<Verdict, 'ok' | 'evidence'> = {}): Verdict => ({
  ok: false,
  evidence,
  ...more,
});
