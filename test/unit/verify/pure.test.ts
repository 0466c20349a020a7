import { describe, expect, it } from 'vitest';
import { CliError } from '../../../src/errors/cli-error.ts';
import { CommandError } from '../../../src/system/command-error.ts';
import { CHECKS, chooseChecks } from '../../../src/verify/checks.ts';
import { healthOf } from '../../../src/verify/health.ts';
import { describe as inWords, isServed, parseAnswer, parseAnswers, type Answer } from '../../../src/verify/requests.ts';
import { asSentence } from '../../../src/verify/vm.ts';
import { kubeObject } from '../../support/kube.ts';

const NONE = { names: [], strict: false, networkPolicy: false };

describe('chooseChecks', () => {
  const names = (choice: Parameters<typeof chooseChecks>[0]): string[] => chooseChecks(choice).map(({ name }) => name);

  it('without a word: all that are not optional, in their order', () => {
    expect(names(NONE)).toEqual(CHECKS.filter(({ optional }) => optional === undefined).map(({ name }) => name));
  });

  it('a flag adds its experiment', () => {
    expect(names({ ...NONE, strict: true })).toEqual([...names(NONE), 'strict']);
    expect(names({ ...NONE, strict: true, networkPolicy: true })).toEqual([...names(NONE), 'strict', 'network-policy']);
  });

  it('names choose, in the order of the checks and each once', () => {
    expect(names({ ...NONE, names: ['health', 'nodes', 'health'] })).toEqual(['nodes', 'health']);
    expect(names({ ...NONE, names: ['strict'] })).toEqual(['strict']);
    expect(names({ ...NONE, names: ['dns'], strict: true })).toEqual(['dns', 'strict']);
  });

  it('where nothing may be disturbed, what disturbs is left out', () => {
    expect(names({ ...NONE, strict: true, networkPolicy: true, readOnly: true })).toEqual(
      names(NONE).filter((name) => name !== 'health'),
    );
  });

  it('unknown names are told all at once, with those that there are', () => {
    expect(() => chooseChecks({ ...NONE, names: ['dns', 'x', 'y'] })).toThrow('There is no check named x, y.');
  });

  it('names are unique words', () => {
    expect(new Set(CHECKS.map(({ name }) => name)).size).toBe(CHECKS.length);
    for (const { name } of CHECKS) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });
});

describe('answers of curl', () => {
  it.each<[string, Answer]>([
    ['hello\n200', { status: 200, body: 'hello' }],
    ['two\nlines\n\n503', { status: 503, body: 'two\nlines\n' }],
    ['\n204', { status: 204, body: '' }],
    ['\n000', { refused: 'no HTTP answer' }],
    ['', { refused: 'no HTTP answer' }],
    ['nothing of the kind', { refused: 'no HTTP answer' }],
  ])('%j', (stdout, answer) => expect(parseAnswer(stdout)).toEqual(answer));

  it('several, one after the other', () => {
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

  it('only 200 is served', () => {
    expect(isServed({ status: 200, body: '' })).toBe(true);
    for (const status of [204, 301, 404, 503]) expect(isServed({ status, body: '' })).toBe(false);
    expect(isServed({ refused: 'no' })).toBe(false);
  });

  it('in words: the status and the first words of the body, without tags', () => {
    expect(inWords({ status: 200, body: '<!doctype html>\n<title>demo</title>\n<p>more</p>' })).toBe('200 demo');
    expect(inWords({ status: 503, body: `${'x'.repeat(80)}\n` })).toBe(`503 ${'x'.repeat(57)}…`);
    expect(inWords({ status: 404, body: '' })).toBe('404');
    expect(inWords({ refused: 'curl: (7) refused' })).toBe('curl: (7) refused');
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

  it('is what the program said last, and not what kubectl says of it', () => {
    expect(asSentence(failed('curl: (56) reset\ncommand terminated with exit code 56\n'))).toBe('curl: (56) reset');
    expect(asSentence(failed('first\nlast\n\n'))).toBe('last');
  });

  it('is the error itself where the program said nothing', () => {
    expect(asSentence(failed(''))).toBe('kubectl ended with exit code 56');
    expect(asSentence(new CliError('machine-failed', { message: 'it is off' }))).toBe('it is off');
    expect(asSentence(new CliError('api-unreachable', { message: 'no', stderrTail: 'a\nb\n' }))).toBe('b');
  });

  it('our own bugs go on', () => {
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
  ])('%#', (given, health) => expect(healthOf(given)).toBe(health));
});
