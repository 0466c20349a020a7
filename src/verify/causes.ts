import type { Check, CheckResult, Verdict } from './check.ts';

/** The failed check that prevents this one from running; undefined when it can run. Pure. */
export function failedNeed(check: Check, seen: readonly CheckResult[]): CheckResult | undefined {
  for (const need of check.needs) {
    const result = seen.find(({ name }) => name === need);
    if (result === undefined || result.ok) continue;
    if (result.outcome === 'failed' && (result.blocks === undefined || result.blocks.includes(check.name)))
      return result;
    // This need was skipped itself: return the failed check that it was skipped for.
    if (result.outcome === 'skipped') return seen.find(({ name }) => name === result.cause) ?? result;
  }
  return undefined;
}

/** The name of the check that caused a failure or a skip: its own name when no other check explains it. Pure. */
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

/** Of all failed checks, the one that caused the most failures and skips; the first one if there are several. Pure. */
export function firstCause(results: readonly CheckResult[]): CheckResult | undefined {
  const behind = (name: string): number => results.filter(({ cause }) => cause === name).length;
  return results
    .filter(({ name, outcome, cause }) => outcome === 'failed' && cause === name)
    .reduce<CheckResult | undefined>(
      (best, each) => (best === undefined || behind(each.name) > behind(best.name) ? each : best),
      undefined,
    );
}
