import { describe, expect, it } from 'vitest';
import { asInner, isCut, isLost, isWhole, neverStarted, withoutMarks } from '../../../../src/machines/incus/session.ts';
import { CommandError } from '../../../../src/system/command-error.ts';
import { resultOf, type Answer } from '../../../support/fake-processes.ts';

const command = { file: 'x', args: [], effect: 'read' } as const;
const failed = (answer: Answer): CommandError => new CommandError(command, answer.failure ?? 'exit', resultOf(answer));

describe('the output of a command on an Incus machine', () => {
  it.each([
    ['all of it', 'out\u001e', '\u001eerr\u001e', true],
    ['nothing at all', '\u001e', '\u001e\u001e', true],
    ['a banner before it, words of the client behind it', 'out\u001e', 'hi\n\u001eerr\u001eError: x\n', true],
    ['nothing on stderr arrived', 'out\u001e', '', false],
    ['the end of stderr did not', 'out\u001e', '\u001eer', false],
    ['the end of stdout did not', 'ou', '\u001eerr\u001e', false],
  ])('is recognized as complete or incomplete: %s', (_, stdout, stderr, whole) => {
    expect(isWhole(resultOf({ stdout, stderr }))).toBe(whole);
  });

  it.each([
    ['out\u001e', 'hi\n\u001eerr\u001eError: x\n', 'out', 'err'],
    ['a\u001eb\u001e', '\u001ec\u001ed\u001e', 'a\u001eb', 'c\u001ed'],
    ['ou', '\u001eer', 'ou', 'er'],
    ['', 'Error: Instance is not running', '', 'Error: Instance is not running'],
  ])('is returned without the marks: %j %j', (stdout, stderr, out, err) => {
    const result = withoutMarks(resultOf({ stdout, stderr }));
    expect([result.stdout, result.stderr]).toEqual([out, err]);
    expect(Buffer.from(result.stdoutBytes).toString()).toBe(out);
  });
});

describe('a failed command on an Incus machine', () => {
  it.each<[string, Answer, { never: boolean; cut: boolean; exitCode: number }]>([
    ['by itself', { exitCode: 7, stdout: '\u001e', stderr: '\u001e\u001e' }, { never: false, cut: false, exitCode: 7 }],
    ['and its output is incomplete', { exitCode: 59 }, { never: false, cut: true, exitCode: 59 }],
    ['with a 1 and its output is incomplete', { exitCode: 1 }, { never: false, cut: true, exitCode: 1 }],
    [
      'because Incus did',
      { exitCode: 1, stderr: 'Error: Instance is not running' },
      { never: true, cut: false, exitCode: 255 },
    ],
    [
      'because the machine restarted just then',
      { exitCode: 255, stderr: 'Error: Failed to retrieve PID of executing child process' },
      { never: true, cut: false, exitCode: 255 },
    ],
    [
      'with the words of Incus, which are its own',
      { exitCode: 1, stdout: '\u001e', stderr: '\u001eError: mine\u001e' },
      { never: false, cut: false, exitCode: 1 },
    ],
    [
      'because its machine was stopped',
      { exitCode: 143, stderr: '\u001e' },
      { never: false, cut: false, exitCode: 255 },
    ],
    [
      'because its machine was deleted',
      { exitCode: 137, stdout: 'ou', stderr: '\u001eer' },
      { never: false, cut: false, exitCode: 255 },
    ],
    [
      'because the daemon ended',
      { exitCode: 1, stderr: '\u001eError: websocket: close 1006 (abnormal closure): unexpected EOF' },
      { never: false, cut: true, exitCode: 255 },
    ],
    [
      'because the kernel killed it on a running machine',
      { exitCode: 137, stdout: '\u001e', stderr: '\u001e\u001e' },
      { never: false, cut: false, exitCode: 137 },
    ],
    [
      'because its machine does not exist',
      { exitCode: 1, stderr: 'Error: Failed to fetch instance "x" in project "default": Instance not found' },
      { never: true, cut: false, exitCode: 1 },
    ],
    [
      'because its time limit was over',
      { exitCode: 124, stderr: '\u001e' },
      { never: false, cut: false, exitCode: 124 },
    ],
    [
      'because our time limit was over',
      { exitCode: -1, failure: 'timed-out' },
      { never: false, cut: false, exitCode: -1 },
    ],
    ['not at all, but its output is incomplete', { exitCode: 0 }, { never: false, cut: true, exitCode: 255 }],
  ])('is classified when it failed %s', (_, answer, { never, cut, exitCode }) => {
    const error = failed(answer);
    expect([neverStarted(error), isCut(error), asInner(error).result.exitCode]).toEqual([never, cut, exitCode]);
    // What ended before the command did is a lost session, and the reverse.
    if (isLost(error)) expect(exitCode).toBe(255);
  });
});
