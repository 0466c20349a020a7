import { SAMPLE_NAMESPACE } from '../manifests/sample.ts';
import { explainThrown } from '../plan/explain.ts';
import type { StepContext } from '../plan/step.ts';
import { findObject, viewCluster } from '../steps/cluster.ts';
import type { Lab } from '../steps/lab.ts';
import { removeSample, sampleStep } from '../steps/traffic.ts';
import type { Check, Verdict } from './check.ts';

/** One row of the report. */
export interface CheckResult extends Verdict {
  readonly name: string;
  readonly title: string;
  readonly durationMs: number;
}

export interface Report {
  readonly ok: boolean;
  readonly results: readonly CheckResult[];
  /** Names of checks that were left out because they write. */
  readonly leftOut: readonly string[];
}

/**
 * Runs checks one after the other (some change the lab while they look), each to its verdict: a check that cannot run
 * has failed. A sample application that was not there is made first and taken away after.
 */
export async function verify(
  lab: Lab,
  checks: readonly Check[],
  context: StepContext,
  onCheck: (check: Check, phase: 'start' | CheckResult) => void,
): Promise<readonly CheckResult[]> {
  const madeSample = checks.some((check) => check.usesSample === true) && (await provideSample(lab, context));
  try {
    const results: CheckResult[] = [];
    for (const check of checks) {
      context.signal.throwIfAborted();
      onCheck(check, 'start');
      const startedAt = lab.doors.clock.now();
      const verdict = await judge(check, lab, context);
      const result = {
        name: check.name,
        title: check.title,
        ...verdict,
        durationMs: lab.doors.clock.now() - startedAt,
      };
      results.push(result);
      onCheck(check, result);
    }
    return results;
  } finally {
    if (madeSample) await withdrawSample(lab, context);
  }
}

async function judge(check: Check, lab: Lab, context: StepContext): Promise<Verdict> {
  try {
    return await check.run(lab, context);
  } catch (thrown) {
    const error = explainThrown(thrown);
    if (context.signal.aborted || error.reason === 'internal-error') throw thrown;
    return {
      ok: false,
      evidence: error.message,
      ...(error.facts.hint === undefined ? {} : { hint: error.facts.hint }),
    };
  }
}

/**
 * True when there was no sample and one has been made for the time of the proofs. One that is there and not as wanted is
 * not ours to mend here, and never ours to take away.
 */
async function provideSample(lab: Lab, context: StepContext): Promise<boolean> {
  const view = await viewCluster(lab);
  // Without a cluster there is no sample; the checks say so, each in its own words.
  if (view.unreachable !== undefined || findObject(view, 'Namespace', SAMPLE_NAMESPACE) !== undefined) return false;
  context.say('starting the sample application');
  try {
    await sampleStep(lab).apply(context);
  } catch (thrown) {
    if (context.signal.aborted || explainThrown(thrown).reason === 'internal-error') {
      await withdrawSample(lab, context);
      throw thrown;
    }
  }
  return true;
}

/** A sample that stays behind is told, and is no reason to lose the report. */
async function withdrawSample(lab: Lab, context: StepContext): Promise<void> {
  try {
    await removeSample(lab);
  } catch (thrown) {
    context.say(`the sample application of these proofs is left behind: ${explainThrown(thrown).message}`);
  }
}
