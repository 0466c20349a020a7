import { describe, expect, it } from 'vitest';
import { CommandError, type CommandFailure } from '../../../src/system/command-error.ts';
import type { Command } from '../../../src/system/system.ts';
import { explain, toolOf } from '../../../src/system/explain.ts';
import { createMask } from '../../../src/system/mask.ts';
import { plainText, tail } from '../../../src/system/plain-text.ts';

const failed = (command: Partial<Command>, stderr = '', failure: CommandFailure = 'exit', exitCode = 2): CommandError =>
  new CommandError({ file: 'multipass', args: ['list'], effect: 'read', ...command }, failure, {
    exitCode,
    stdout: '',
    stderr,
    stdoutBytes: new Uint8Array(),
    durationMs: 1,
  });

describe('plainText', () => {
  it.each([
    ['colours', '\u001b[31mred\u001b[0m', 'red'],
    ['a spinner', 'Starting k1  \b|\b/\b-\u001b[2K\u001b[0A\u001b[0Edone', 'done'],
    ['overwritten progress', 'Retrieving image: 1%\rRetrieving image: 42%', 'Retrieving image: 42%'],
    ['line ends of Windows', 'a\r\nb\r\n', 'a\nb\n'],
    ['ordinary text', 'ünï\n\tcode', 'ünï\n\tcode'],
  ])('leaves of %s what a terminal leaves', (_, text, plain) => {
    expect(plainText(text)).toBe(plain);
  });

  it('tail gives the last lines that say something', () => {
    expect(tail('1\n2\n\n3\n', 2)).toBe('2\n3');
  });
});

describe('explain', () => {
  it('puts a known issue into our words and keeps theirs below', () => {
    const error = explain(failed({}, 'list failed: cannot connect to the multipass socket\n'));
    expect(error.reason).toBe('engine-not-answering');
    expect(error.exitCode).toBe(4);
    expect(error.facts).toMatchObject({
      command: 'multipass list',
      stderrTail: 'list failed: cannot connect to the multipass socket',
    });
    expect(error.facts.hint).toContain('snap start');
  });

  it.each<[CommandFailure, string]>([
    ['not-found', 'tool-missing'],
    ['exit', 'tool-failed'],
    ['timed-out', 'gave-up-waiting'],
    ['aborted', 'interrupted'],
    ['killed', 'tool-failed'],
  ])('%s is %s', (failure, reason) => {
    expect(explain(failed({}, 'strange', failure)).reason).toBe(reason);
  });

  it('names the tool to install', () => {
    expect(explain(failed({ file: '/x/podman' }, '', 'not-found')).facts.hint).toContain('Install podman');
  });

  it('tells the guest from the engine', () => {
    const guest = ['exec', '-n', 'k1', '--', 'sh', '-c', 'wrap', 'sh', 'false'];
    expect(explain(failed({ args: guest }, 'no', 'exit', 3))).toMatchObject({
      reason: 'guest-failed',
      message: 'A command on the machine k1 ended with exit code 3.',
    });
    const gone = 'exec failed: The following errors occurred:\ninstance "k1" does not exist';
    expect(explain(failed({ args: guest }, gone))).toMatchObject({ reason: 'machine-broken' });
    expect(toolOf({ file: '/opt/.bin/istioctl-1.19.3', args: [], effect: 'read' }, '')).toBe('istioctl');
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

  it('masks secrets everywhere, and shows nothing of an output that is one', () => {
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
