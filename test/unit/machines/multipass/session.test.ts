import { describe, expect, it } from 'vitest';
import { asInner, withoutMark } from '../../../../src/machines/multipass/session.ts';
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
    ['began', 'exit', '\u001eno', 2, 2],
    ['never began', 'exit', 'spinner', 2, 255],
    ['ran out of time', 'timed-out', '', -1, -1],
  ] as const)('gives the exit code of a command that %s', (_, failure, stdout, exitCode, inner) => {
    const error = new CommandError(command, failure, { ...resultOf({ stdout }), exitCode });
    expect(asInner(error)).toMatchObject({ failure, result: { exitCode: inner } });
  });
});
