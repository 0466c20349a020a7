import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CommandOrigin, KnownIssue } from '../../src/errors/known-issue.ts';
import { knownIssue } from '../../src/errors/known-issues.ts';
import { REASONS } from '../../src/errors/reasons.ts';

/**
 * Tests for a table of known issues: each row explains at least one text of the fixture, and has a hint.
 *
 * @param fixture a file with stderr of the programs, which names its sources
 * @param own the issues of an engine, checked before the shared ones
 */
export function issueRules(issues: readonly KnownIssue[], fixture: URL, own: readonly KnownIssue[] = []): void {
  const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: [CommandOrigin, string, string][] };

  it.each(cases)('explains the stderr of %s: %s', (origin, stderr, id) => {
    expect(knownIssue(stderr, origin, own)?.id).toBe(id);
  });

  it('has a case for each issue, and unique ids', () => {
    const ids = issues.map((issue) => issue.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...new Set(cases.map(([, , id]) => id))].sort()).toEqual([...ids].sort());
  });

  describe.each(issues.map((issue) => [issue.id, issue] as const))('the issue %s', (_, issue) => {
    it('has a sentence, a hint and a source', () => {
      expect(issue.reason in REASONS).toBe(true);
      expect(issue.sentence).toMatch(/^(?:[A-Z]|istiod|k3s).*\.$/);
      expect(issue.hint).toMatch(/\.$/);
      expect(issue.source).not.toBe('');
      // A pattern with the flag g keeps its position, so it would match only every second time.
      expect(issue.pattern.global).toBe(false);
    });
  });
}
