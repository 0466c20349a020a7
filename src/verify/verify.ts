import { SAMPLE_NAMESPACE } from '../kube/manifests/sample.ts';
import { explainThrown } from '../plan/explain.ts';
import type { StepContext } from '../plan/step.ts';
import { findObject } from '../steps/cluster-snapshot.ts';
import { silentContext } from '../system/context.ts';
import type { Lab } from '../steps/lab.ts';
import { removeSample, sampleStep } from '../steps/traffic.ts';
import { createAdviser, type Adviser } from './advice.ts';
import { causeOf, failedNeed } from './causes.ts';
import { fail, type Check, type CheckContext, type CheckResult, type Verdict } from './check.ts';
import { checksOf, withNeeds } from './checks.ts';
import { RETRY_MS } from './retry.ts';
import { clusterSnapshotFor } from './snapshot.ts';

/**
 * Runs the checks one after the other (some change the lab while they run). A check that cannot run has failed, and one
 * whose needs have failed is skipped. Checks that these need also run, and are reported if they fail. If there is no
 * sample application, it is created first and deleted afterwards.
 */
export async function verify(
  lab: Lab,
  checks: readonly Check[],
  context: StepContext,
  onCheck: (check: Check, phase: 'start' | CheckResult) => void,
): Promise<readonly CheckResult[]> {
  const asked = new Set(checks.map(({ name }) => name));
  const adviser = createAdviser(lab, silentContext(context.signal));
  const run: CheckContext = { ...context, deadline: lab.system.clock.now() + RETRY_MS };
  const seen: CheckResult[] = [];
  let sampleIsOurs: boolean | undefined;
  try {
    for (const check of withNeeds(checks, checksOf(lab.config))) {
      context.signal.throwIfAborted();
      const shown = asked.has(check.name);
      if (shown) onCheck(check, 'start');
      const startedAt = lab.system.clock.now();
      const blocker = failedNeed(check, seen);
      let verdict: Verdict;
      if (blocker === undefined) {
        if (check.usesSample === true) sampleIsOurs ??= await provideSample(lab, context, seen);
        const known = {
          failedBefore: seen.some(({ ok }) => !ok),
          stepDiffers: async () => (await adviser(check.commands)) !== undefined,
        };
        verdict = await advised(check, await judge(check, lab, { ...run, ...known }), adviser);
      } else {
        verdict = fail(`skipped: ${blocker.name} failed`, blocker.hint === undefined ? {} : { hint: blocker.hint });
      }
      const { ok, evidence, hint, blocks } = verdict;
      const cause = ok ? undefined : causeOf(check, verdict, blocker, seen);
      const result: CheckResult = {
        name: check.name,
        title: check.title,
        ok,
        outcome: ok ? 'passed' : blocker === undefined ? 'failed' : 'skipped',
        evidence,
        ...(hint === undefined ? {} : { hint }),
        ...(cause === undefined ? {} : { cause }),
        ...(blocks === undefined ? {} : { blocks }),
        durationMs: lab.system.clock.now() - startedAt,
      };
      seen.push(result);
      if (shown || result.outcome === 'failed') onCheck(check, result);
    }
    return seen.filter(({ name, outcome }) => asked.has(name) || outcome === 'failed');
  } finally {
    if (sampleIsOurs === true) await withdrawSample(lab, context);
  }
}

async function judge(check: Check, lab: Lab, context: CheckContext): Promise<Verdict> {
  try {
    const verdict = await check.run(lab, context);
    // After an interrupt, a failure only shows the interrupt.
    context.signal.throwIfAborted();
    return verdict;
  } catch (thrown) {
    const error = explainThrown(thrown);
    if (context.signal.aborted || error.reason === 'internal-error') throw thrown;
    return fail(error.message, error.facts.hint === undefined ? {} : { look: error.facts.hint });
  }
}

/**
 * Adds a hint to a failure: its own, otherwise the command of the first step that is not ready, otherwise where to
 * look.
 */
async function advised(check: Check, verdict: Verdict, adviser: Adviser): Promise<Verdict> {
  if (verdict.ok || verdict.hint !== undefined) return verdict;
  const hint = (await adviser(check.commands)) ?? verdict.look;
  return hint === undefined ? verdict : { ...verdict, hint };
}

/**
 * Creates the sample for the duration of the checks if there is none; returns true if it did. An existing sample is
 * neither repaired nor deleted here. If nodes or istiod have failed, its pods would not start.
 */
async function provideSample(lab: Lab, context: StepContext, seen: readonly CheckResult[]): Promise<boolean> {
  if (seen.some(({ name, ok }) => !ok && (name === 'nodes' || name === 'istiod'))) return false;
  const view = await clusterSnapshotFor(lab, context);
  // Without a cluster there is no sample; each check reports that itself.
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

/** If the sample cannot be deleted, that is reported, but the report of the checks is kept. */
async function withdrawSample(lab: Lab, context: StepContext): Promise<void> {
  try {
    await removeSample(lab, context);
  } catch (thrown) {
    context.say(`could not remove the sample application: ${explainThrown(thrown).message}`);
  }
}
