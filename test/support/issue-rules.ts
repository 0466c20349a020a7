import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CommandOrigin, KnownIssue } from '../../src/errors/known-issue.ts';
import { knownIssue } from '../../src/errors/known-issues.ts';
import { REASONS } from '../../src/errors/reasons.ts';

/**
 * What holds for every table of known issues: each row explains at least one text of the fixture, and says what to do.
 *
 * @param fixture a file with stderr as the programs write it, as far as we know; it says from where
 * @param own the issues of an engine, looked at before the shared ones
 */
export function issueRules(issues: readonly KnownIssue[], fixture: URL, own: readonly KnownIssue[] = []): void {
  const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: [CommandOrigin, string, string][] };

  it.each(cases)('explains what %s says: %s', (origin, stderr, id) => {
    expect(knownIssue(stderr, origin, own)?.id).toBe(id);
  });

  it('has a case for each issue, and each id once', () => {
    const ids = issues.map((issue) => issue.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...new Set(cases.map(([, , id]) => id))].sort()).toEqual([...ids].sort());
  });

  describe.each(issues.map((issue) => [issue.id, issue] as const))('the issue %s', (_, issue) => {
    it('says what failed and what to do', () => {
      expect(issue.reason in REASONS).toBe(true);
      expect(issue.sentence).toMatch(/^(?:[A-Z]|istiod|k3s).*\.$/);
      expect(issue.hint).toMatch(/\.$/);
      expect(issue.source).not.toBe('');
      // A pattern with a memory (flag g) would match every second time.
      expect(issue.pattern.global).toBe(false);
    });
  });
}
