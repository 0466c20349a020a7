import { describe, expect, it } from 'vitest';
import { asInner, isLost, withoutMark } from '../../../../src/machines/multipass/session.ts';
import { CommandError } from '../../../../src/system/command-error.ts';
import { resultOf } from '../../../support/fake-processes.ts';

const SPINNER = '\u001b[2K\u001b[0A\u001b[0EStarting k1  \b|\b/\b-\b\\\u001b[2K\u001b[0A\u001b[0E';

describe('withoutMark', () => {
  it.each([
    ['a spinner in front', `${SPINNER}\u001ex86_64\n`, 'x86_64\n'],
    ['nothing in front', '\u001eplain\r\n\b', 'plain\r\n\b'],
    ['an output that looks like a spinner', `\u001e${SPINNER}`, SPINNER],
    ['an output with the byte itself', '\u001ea\u001eb', 'a\u001eb'],
    ['no mark', 'what the client says', 'what the client says'],
  ])('keeps what follows the mark: %s', (_, stdout, kept) => {
    const result = withoutMark(resultOf({ stdout }));
    expect(result.stdout).toBe(kept);
    expect(Buffer.from(result.stdoutBytes).toString()).toBe(kept);
  });
});

describe('asInner', () => {
  const command = { file: 'x', args: [], effect: 'read' } as const;

  it.each([
    ['started', 'exit', '\u001eno', 2, 2],
    ['never started', 'exit', 'spinner', 2, 255],
    ['timed out', 'timed-out', '', -1, -1],
  ] as const)('gives the exit code of a command that %s', (_, failure, stdout, exitCode, inner) => {
    const error = new CommandError(command, failure, { ...resultOf({ stdout }), exitCode });
    expect(asInner(error)).toMatchObject({ failure, result: { exitCode: inner } });
  });

  it('keeps the exit code of Multipass when the machine does not exist', () => {
    const stderr = 'exec failed: The following errors occurred:\ninstance "k1" does not exist';
    const error = new CommandError(command, 'exit', { ...resultOf({ stderr }), exitCode: 2 });
    expect(asInner(error)).toMatchObject({ command: { origin: 'engine' }, result: { exitCode: 2 } });
  });
});

describe('isLost', () => {
  const command = { file: 'multipass', args: [], effect: 'write' } as const;

  it.each([
    ['ssh lost its connection', 255, '', true],
    ['it could not be opened', 2, "exec failed: ssh connection failed: 'Timeout connecting'", true],
    ['the program failed', 1, 'no', false],
    ['the machine is gone', 2, 'exec failed: The following errors occurred:\ninstance "k1" does not exist', false],
  ] as const)('recognizes whether the session was lost when %s', (_, exitCode, stderr, lost) => {
    expect(isLost(new CommandError(command, 'exit', { ...resultOf({ stderr }), exitCode }))).toBe(lost);
  });
});
