import type { Check, CheckResult, Verdict } from './check.ts';

/** The failed check because of which this one has nothing to judge; undefined when it can run. Pure. */
export function failedNeed(check: Check, seen: readonly CheckResult[]): CheckResult | undefined {
  for (const need of check.needs) {
    const result = seen.find(({ name }) => name === need);
    if (result === undefined || result.ok) continue;
    if (result.outcome === 'failed' && (result.blocks === undefined || result.blocks.includes(check.name)))
      return result;
    // It was skipped: what it was skipped for is what failed.
    if (result.outcome === 'skipped') return seen.find(({ name }) => name === result.cause) ?? result;
  }
  return undefined;
}

/** The name of the check whose failure is behind one that is not ok: its own when nothing else explains it. Pure. */
export function causeOf(
  check: Check,
  { certain }: Verdict,
  blocker: CheckResult | undefined,
  seen: readonly CheckResult[],
): string {
  if (blocker !== undefined) return blocker.cause ?? blocker.name;
  if (certain === true) return check.name;
  for (const name of [...check.needs, ...(check.explainedBy ?? [])]) {
    const result = seen.find((each) => each.name === name);
    if (result !== undefined && !result.ok) return result.cause ?? result.name;
  }
  return check.name;
}

/** Of all that failed, the one that is behind the most; the first of several. Pure. */
export function firstCause(results: readonly CheckResult[]): CheckResult | undefined {
  const behind = (name: string): number => results.filter(({ cause }) => cause === name).length;
  return results
    .filter(({ name, outcome, cause }) => outcome === 'failed' && cause === name)
    .reduce<CheckResult | undefined>(
      (best, each) => (best === undefined || behind(each.name) > behind(best.name) ? each : best),
      undefined,
    );
}
