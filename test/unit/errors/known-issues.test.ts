import { describe, expect, it } from 'vitest';
import { KNOWN_ISSUES, knownIssue } from '../../../src/errors/known-issues.ts';
import { issueRules } from '../../support/issue-rules.ts';

describe('the issues of every engine', () => {
  issueRules(KNOWN_ISSUES, new URL('fixtures/stderr.json', import.meta.url));
});

describe('knownIssue', () => {
  it('does not explain an ordinary failure', () => {
    expect(knownIssue('something quite different', 'kubectl')).toBeUndefined();
  });

  it('does not apply the messages of one program to another', () => {
    expect(knownIssue('token CA hash does not match', 'guest')?.id).toBe('k3s-ca-hash');
    expect(knownIssue('token CA hash does not match', 'kubectl')).toBeUndefined();
  });

  it('checks the issues of the program itself first', () => {
    const own = {
      id: 'own',
      pattern: /CA hash/,
      reason: 'tool-failed',
      sentence: '.',
      hint: '.',
      source: '.',
    } as const;
    expect(knownIssue('token CA hash does not match', 'guest', [own])?.id).toBe('own');
  });
});
