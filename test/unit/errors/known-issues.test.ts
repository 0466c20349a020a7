import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KNOWN_ISSUES, knownIssue, type IssueTool } from '../../../src/errors/known-issues.ts';
import { REASONS } from '../../../src/errors/reasons.ts';

/** Stderr as the programs write it, as far as we know; the fixture says from where. */
const { cases } = JSON.parse(readFileSync(new URL('fixtures/stderr.json', import.meta.url), 'utf8')) as {
  cases: [IssueTool, string, string][];
};

describe('knownIssue', () => {
  it.each(cases)('%s: %s', (tool, stderr, id) => {
    expect(knownIssue(stderr, tool)?.id).toBe(id);
  });

  it('knows nothing of ordinary failures', () => {
    expect(knownIssue('something quite different', 'multipass')).toBeUndefined();
  });

  it('does not take the words of one tool for those of another', () => {
    expect(knownIssue('instance "k1" already exists', 'kubectl')).toBeUndefined();
  });
});

describe('KNOWN_ISSUES', () => {
  it('each has a case, and each id is there once', () => {
    const ids = KNOWN_ISSUES.map((issue) => issue.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...new Set(cases.map(([, , id]) => id))].sort()).toEqual([...ids].sort());
  });

  it.each(KNOWN_ISSUES.map((issue) => [issue.id, issue] as const))(
    '%s tells what failed and what to do',
    (_, issue) => {
      expect(issue.reason in REASONS).toBe(true);
      expect(issue.sentence).toMatch(/^(?:[A-Z]|istiod|k3s).*\.$/);
      expect(issue.hint).toMatch(/\.$/);
      expect(issue.source).not.toBe('');
      // A pattern with a memory (flag g) would match every second time.
      expect(issue.pattern.global).toBe(false);
    },
  );
});
