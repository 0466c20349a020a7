import { describe, expect, it } from 'vitest';
import { MULTIPASS_ISSUES } from '../../../../src/machines/multipass/issues.ts';
import { restartHint, shellHint } from '../../../../src/machines/multipass/host.ts';
import { issueRules } from '../../../support/issue-rules.ts';

describe('commands for the user', () => {
  it('run a command on a machine, or restart it', () => {
    expect(shellHint('vm', 'sudo dmesg')).toBe('multipass exec -n vm -- sudo dmesg');
    expect(restartHint('vm')).toBe('multipass restart vm');
  });
});

describe('the known issues of Multipass', () => {
  issueRules(MULTIPASS_ISSUES, new URL('fixtures/stderr.json', import.meta.url), MULTIPASS_ISSUES);
});
