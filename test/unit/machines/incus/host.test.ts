import { describe, expect, it } from 'vitest';
import { INCUS_ISSUES } from '../../../../src/machines/incus/issues.ts';
import { restartHint, shellHint } from '../../../../src/machines/incus/host.ts';
import { issueRules } from '../../../support/issue-rules.ts';

describe('commands for the user', () => {
  it.each([
    [{}, 'incus exec vm -- sudo dmesg', 'incus restart vm'],
    [
      { remote: 'far', project: 'p' },
      'incus exec --project p far:vm -- sudo dmesg',
      'incus restart --project p far:vm',
    ],
  ])('name the remote and the project of %j', (place, exec, restart) => {
    expect(shellHint(place, 'vm', 'sudo dmesg')).toBe(exec);
    expect(restartHint(place, 'vm')).toBe(restart);
  });
});

describe('the known issues of Incus', () => {
  issueRules(INCUS_ISSUES, new URL('fixtures/stderr.json', import.meta.url), INCUS_ISSUES);
});
