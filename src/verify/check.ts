import type { StepContext } from '../plan/step.ts';
import type { Lab } from '../steps/lab.ts';

/** What a check saw. Evidence is a fact that a person can compare: an address, a version, an answer. */
export interface Verdict {
  readonly ok: boolean;
  readonly evidence: string;
  /** What to try when it is not ok. */
  readonly hint?: string;
}

/** One proof of the article, made by the program. */
export interface Check {
  /** Stable name for the command line and JSON, e.g. `vm-to-mesh`. */
  readonly name: string;
  readonly title: string;
  /** Writes to the lab while it runs (and undoes it): left out when `up` had nothing to change. */
  readonly disturbs?: true;
  /** Runs only when asked for, by name or by flag. */
  readonly optional?: 'strict' | 'network-policy';
  /** Calls the sample application. */
  readonly usesSample?: true;
  run(lab: Lab, context: StepContext): Promise<Verdict>;
}

export const pass = (evidence: string): Verdict => ({ ok: true, evidence });

export const fail = (evidence: string, hint?: string): Verdict =>
  hint === undefined ? { ok: false, evidence } : { ok: false, evidence, hint };
