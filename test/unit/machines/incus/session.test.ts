import { describe, expect, it } from 'vitest';
import { asInner, isCut, isLost, isWhole, neverStarted, withoutMarks } from '../../../../src/machines/incus/session.ts';
import { CommandError } from '../../../../src/system/command-error.ts';
import { resultOf, type Answer } from '../../../support/fake-processes.ts';

const command = { file: 'x', args: [], effect: 'read' } as const;
const failed = (answer: Answer): CommandError => new CommandError(command, answer.failure ?? 'exit', resultOf(answer));

describe('the output of a command on an Incus machine', () => {
  it.each([
    ['stdout and stderr are complete', 'out\u001e', '\u001eerr\u001e', true],
    ['stdout and stderr are complete and empty', '\u001e', '\u001e\u001e', true],
    ['a banner before it, a client message after it', 'out\u001e', 'hi\n\u001eerr\u001eError: x\n', true],
    ['stderr is missing', 'out\u001e', '', false],
    ['the end of stderr is missing', 'out\u001e', '\u001eer', false],
    ['the end of stdout is missing', 'ou', '\u001eerr\u001e', false],
  ])('is recognized as complete or incomplete: %s', (_, stdout, stderr, complete) => {
    expect(isWhole(resultOf({ stdout, stderr }))).toBe(complete);
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

describe('the result of a command on an Incus machine', () => {
  it.each<[string, Answer, { never: boolean; cut: boolean; exitCode: number }]>([
    [
      'failed by itself',
      { exitCode: 7, stdout: '\u001e', stderr: '\u001e\u001e' },
      { never: false, cut: false, exitCode: 7 },
    ],
    ['failed with incomplete output', { exitCode: 59 }, { never: false, cut: true, exitCode: 59 }],
    ['failed with exit code 1 and incomplete output', { exitCode: 1 }, { never: false, cut: true, exitCode: 1 }],
    [
      'failed because Incus failed',
      { exitCode: 1, stderr: 'Error: Instance is not running' },
      { never: true, cut: false, exitCode: 255 },
    ],
    [
      'failed because the machine was restarting',
      { exitCode: 255, stderr: 'Error: Failed to retrieve PID of executing child process' },
      { never: true, cut: false, exitCode: 255 },
    ],
    [
      'failed with its own message in the form of Incus',
      { exitCode: 1, stdout: '\u001e', stderr: '\u001eError: mine\u001e' },
      { never: false, cut: false, exitCode: 1 },
    ],
    [
      'failed because its machine was stopped',
      { exitCode: 143, stderr: '\u001e' },
      { never: false, cut: false, exitCode: 255 },
    ],
    [
      'failed because its machine was deleted',
      { exitCode: 137, stdout: 'ou', stderr: '\u001eer' },
      { never: false, cut: false, exitCode: 255 },
    ],
    [
      'failed because the daemon stopped',
      { exitCode: 1, stderr: '\u001eError: websocket: close 1006 (abnormal closure): unexpected EOF' },
      { never: false, cut: true, exitCode: 255 },
    ],
    [
      'failed because the kernel killed it on a running machine',
      { exitCode: 137, stdout: '\u001e', stderr: '\u001e\u001e' },
      { never: false, cut: false, exitCode: 137 },
    ],
    [
      'failed because its machine does not exist',
      { exitCode: 1, stderr: 'Error: Failed to fetch instance "x" in project "default": Instance not found' },
      { never: true, cut: false, exitCode: 1 },
    ],
    [
      'failed because its time limit on the machine expired',
      { exitCode: 124, stderr: '\u001e' },
      { never: false, cut: false, exitCode: 124 },
    ],
    [
      'failed because our time limit expired',
      { exitCode: -1, failure: 'timed-out' },
      { never: false, cut: false, exitCode: -1 },
    ],
    ['succeeded with incomplete output', { exitCode: 0 }, { never: false, cut: true, exitCode: 255 }],
  ])('is classified when it %s', (_, answer, { never, cut, exitCode }) => {
    const error = failed(answer);
    expect([neverStarted(error), isCut(error), asInner(error).result.exitCode]).toEqual([never, cut, exitCode]);
    // A lost session is always reported with exit code 255.
    if (isLost(error)) expect(exitCode).toBe(255);
  });
});
