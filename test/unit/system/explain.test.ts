import { describe, expect, it } from 'vitest';
import type { KnownIssue } from '../../../src/errors/known-issue.ts';
import { CommandError, type CommandFailure } from '../../../src/system/command-error.ts';
import type { Command } from '../../../src/system/system.ts';
import { explain } from '../../../src/system/explain.ts';
import { createMask } from '../../../src/system/mask.ts';
import { plainText, tail } from '../../../src/system/plain-text.ts';

const ISSUES: readonly KnownIssue[] = [
  {
    id: 'socket',
    origin: 'engine',
    pattern: /cannot connect to the socket/,
    reason: 'engine-unavailable',
    sentence: 'The service is not running.',
    hint: 'Start it: `sudo snap start engine`.',
    source: 'this test',
  },
];
const failed = (command: Partial<Command>, stderr = '', failure: CommandFailure = 'exit', exitCode = 2): CommandError =>
  new CommandError(
    { file: 'engine', args: ['list'], effect: 'read', origin: 'engine', ...command },
    failure,
    { exitCode, stdout: '', stderr, stdoutBytes: new Uint8Array(), durationMs: 1 },
    { issues: ISSUES },
  );

describe('plainText', () => {
  it.each([
    ['colors', '\u001b[31mred\u001b[0m', 'red'],
    ['a spinner', 'Starting k1  \b|\b/\b-\u001b[2K\u001b[0A\u001b[0Edone', 'done'],
    ['overwritten progress', 'Retrieving image: 1%\rRetrieving image: 42%', 'Retrieving image: 42%'],
    ['line ends of Windows', 'a\r\nb\r\n', 'a\nb\n'],
    ['ordinary text', 'ünï\n\tcode', 'ünï\n\tcode'],
  ])('shows %s as a terminal displays it', (_, text, plain) => {
    expect(plainText(text)).toBe(plain);
  });

  it('is shortened by tail to the last lines that are not empty', () => {
    expect(tail('1\n2\n\n3\n', 2)).toBe('2\n3');
  });
});

describe('explain', () => {
  it('explains a known issue, and keeps the original message', () => {
    const error = explain(failed({}, 'list failed: cannot connect to the socket\n'));
    expect(error.reason).toBe('engine-unavailable');
    expect(error.exitCode).toBe(4);
    expect(error.facts).toMatchObject({
      command: 'engine list',
      stderrTail: 'list failed: cannot connect to the socket',
    });
    expect(error.facts.hint).toContain('snap start');
  });

  it.each<[CommandFailure, string]>([
    ['not-found', 'tool-missing'],
    ['exit', 'tool-failed'],
    ['timed-out', 'timed-out'],
    ['aborted', 'interrupted'],
    ['killed', 'tool-failed'],
  ])('maps %s to %s', (failure, reason) => {
    expect(explain(failed({}, 'strange', failure)).reason).toBe(reason);
  });

  it('names the tool to install', () => {
    expect(explain(failed({ file: '/x/podman' }, '', 'not-found')).facts.hint).toContain('Install podman');
  });

  it('distinguishes the guest from the engine by the origin of the command', () => {
    const onMachine = { name: 'k1', argv: ['false'], restartHint: 'engine restart k1' };
    const guest = { args: ['exec', 'k1', 'false'], origin: 'guest', onMachine } as const;
    expect(explain(failed(guest, 'cannot connect to the socket', 'exit', 3))).toMatchObject({
      reason: 'guest-failed',
      message: 'A command on the machine k1 ended with exit code 3.',
    });
    expect(explain(failed({ ...guest, origin: 'engine' }, 'cannot connect to the socket'))).toMatchObject({
      reason: 'engine-unavailable',
    });
  });

  it('names the command that restarts the machine, if the engine provides it', () => {
    const guest = { origin: 'guest', onMachine: { name: 'k1', argv: [], restartHint: 'engine restart k1' } } as const;
    const wrongClock = 'x509: certificate has expired or is not yet valid';
    expect(explain(failed(guest, wrongClock)).facts.hint).toContain('Restart the machine (`engine restart k1`): ');
    expect(explain(failed({ origin: 'guest' }, wrongClock)).facts.hint).toContain('Restart the machine: ');
  });

  it('shows at most fifteen lines', () => {
    const lines = Array.from({ length: 40 }, (_, i) => `line ${i}`).join('\n');
    expect(explain(failed({}, lines)).facts.stderrTail?.split('\n')).toHaveLength(15);
  });

  it('shows a script by its first line', () => {
    const { command } = explain(failed({ args: ['exec', '-n', 'k1', '--', 'a\nb\nc\nd\ne'] })).facts;
    expect(command).toContain('a … (5 lines)');
    expect(command).not.toContain('\nb');
  });

  it('masks secrets everywhere, and shows nothing of a secret output', () => {
    const mask = createMask();
    mask.add('registered-token');
    const secrets = { args: ['--x', 'own-secret'], secrets: ['own-secret'] };
    const shown = JSON.stringify(
      explain(failed(secrets, 'own-secret registered-token'), mask).facts,
      (key, value: unknown) => (key === 'cause' ? undefined : value),
    );
    expect(shown).not.toMatch(/own-secret|registered-token/);
    expect(explain(failed({ secretOutput: true }, 'token')).facts.stderrTail).toBeUndefined();
  });
});
