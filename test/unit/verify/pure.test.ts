import { describe, expect, it } from 'vitest';
import { CliError } from '../../../src/errors/cli-error.ts';
import { CommandError } from '../../../src/system/command-error.ts';
import { CHECKS, chooseChecks } from '../../../src/verify/checks.ts';
import { healthOf } from '../../../src/verify/health.ts';
import {
  describe as describeAnswer,
  isServed,
  parseAnswer,
  parseAnswers,
  type Answer,
} from '../../../src/verify/requests.ts';
import { asSentence } from '../../../src/verify/vm.ts';
import { kubeObject } from '../../support/kube.ts';

const NONE = { names: [], strict: false, networkPolicy: false };

describe('chooseChecks', () => {
  const names = (choice: Parameters<typeof chooseChecks>[0]): string[] => chooseChecks(choice).map(({ name }) => name);

  it('selects all checks that are not optional, in their order, by default', () => {
    expect(names(NONE)).toEqual(CHECKS.filter(({ optional }) => optional === undefined).map(({ name }) => name));
  });

  it('adds the experiment that a flag names', () => {
    expect(names({ ...NONE, strict: true })).toEqual([...names(NONE), 'strict']);
    expect(names({ ...NONE, strict: true, networkPolicy: true })).toEqual([...names(NONE), 'strict', 'network-policy']);
  });

  it('selects the named checks, in the order of the checks and each once', () => {
    expect(names({ ...NONE, names: ['health', 'nodes', 'health'] })).toEqual(['nodes', 'health']);
    expect(names({ ...NONE, names: ['strict'] })).toEqual(['strict']);
    expect(names({ ...NONE, names: ['dns'], strict: true })).toEqual(['dns', 'strict']);
  });

  it('omits checks that change the lab in read-only mode', () => {
    expect(names({ ...NONE, strict: true, networkPolicy: true, readOnly: true })).toEqual(
      names(NONE).filter((name) => name !== 'health'),
    );
  });

  it('reports all unknown names at once', () => {
    expect(() => chooseChecks({ ...NONE, names: ['dns', 'x', 'y'] })).toThrow('There is no check named x, y.');
  });

  it('has checks with unique names', () => {
    expect(new Set(CHECKS.map(({ name }) => name)).size).toBe(CHECKS.length);
    for (const { name } of CHECKS) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });
});

describe('responses to curl', () => {
  it.each<[string, Answer]>([
    ['hello\n200', { status: 200, body: 'hello' }],
    ['two\nlines\n\n503', { status: 503, body: 'two\nlines\n' }],
    ['\n204', { status: 204, body: '' }],
    ['\n000', { refused: 'no HTTP answer' }],
    ['', { refused: 'no HTTP answer' }],
    ['nothing of the kind', { refused: 'no HTTP answer' }],
  ])('are parsed: %j', (stdout, answer) => expect(parseAnswer(stdout)).toEqual(answer));

  it('are parsed one after the other', () => {
    expect(parseAnswers('Hello version: v1\n\n200\nHello version: v2\n\n200\n')).toEqual([
      { status: 200, body: 'Hello version: v1\n' },
      { status: 200, body: 'Hello version: v2\n' },
    ]);
    expect(parseAnswers('fine\n200\nno healthy upstream\n503\n')).toEqual([
      { status: 200, body: 'fine' },
      { status: 503, body: 'no healthy upstream' },
    ]);
    expect(parseAnswers('')).toEqual([{ refused: 'no HTTP answer' }]);
  });

  it('count as served only with 200', () => {
    expect(isServed({ status: 200, body: '' })).toBe(true);
    for (const status of [204, 301, 404, 503]) expect(isServed({ status, body: '' })).toBe(false);
    expect(isServed({ refused: 'no' })).toBe(false);
  });

  it('are described by the status and the first words of the body, without tags', () => {
    expect(describeAnswer({ status: 200, body: '<!doctype html>\n<title>demo</title>\n<p>more</p>' })).toBe('200 demo');
    expect(describeAnswer({ status: 503, body: `${'x'.repeat(80)}\n` })).toBe(`503 ${'x'.repeat(57)}…`);
    expect(describeAnswer({ status: 404, body: '' })).toBe('404');
    expect(describeAnswer({ refused: 'curl: (7) refused' })).toBe('curl: (7) refused');
  });
});

describe('asSentence', () => {
  const failed = (stderr: string): CommandError =>
    new CommandError({ file: 'kubectl', args: [], effect: 'read' }, 'exit', {
      exitCode: 56,
      stdout: '',
      stderr,
      stdoutBytes: new Uint8Array(),
      durationMs: 0,
    });

  it('returns the last line of the program, and not the message of kubectl', () => {
    expect(asSentence(failed('curl: (56) reset\ncommand terminated with exit code 56\n'))).toBe('curl: (56) reset');
    expect(asSentence(failed('first\nlast\n\n'))).toBe('last');
  });

  it('returns the error itself when the program printed nothing', () => {
    expect(asSentence(failed(''))).toBe('kubectl ended with exit code 56');
    expect(asSentence(new CliError('machine-failed', { message: 'it is off' }))).toBe('it is off');
    expect(asSentence(new CliError('api-unreachable', { message: 'no', stderrTail: 'a\nb\n' }))).toBe('b');
  });

  it('throws internal errors again', () => {
    expect(() => asSentence(new TypeError('oops'))).toThrow('oops');
  });
});

describe('healthOf', () => {
  const entry = (conditions: unknown) => kubeObject('WorkloadEntry', { name: 'e' }, { status: { conditions } });
  it.each([
    [entry([{ type: 'Healthy', status: 'True' }]), 'True'],
    [
      entry([
        { type: 'Other', status: 'True' },
        { type: 'Healthy', status: 'False' },
      ]),
      'False',
    ],
    [entry([]), 'unknown'],
    [undefined, 'unknown'],
  ])('reads the conditions of the entry: %#', (given, health) => expect(healthOf(given)).toBe(health));
});
