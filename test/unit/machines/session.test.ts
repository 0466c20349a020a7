import { quiet } from '../../support/context.ts';
import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../src/machines/machine.ts';
import { isLostSession, withSessionRetry } from '../../../src/machines/session.ts';
import { CommandError } from '../../../src/system/command-error.ts';
import type { CommandResult } from '../../../src/system/system.ts';
import { fakeClock } from '../../support/fake-clock.ts';

const command = { file: 'multipass', args: ['exec'], effect: 'write' } as const;
const result = (exitCode: number, stderr = ''): CommandResult => ({
  exitCode,
  stderr,
  stdout: '',
  stdoutBytes: new Uint8Array(),
  durationMs: 1,
});
const failed = (exitCode: number, stderr = ''): CommandError =>
  new CommandError(command, 'exit', result(exitCode, stderr));

describe('isLostSession', () => {
  it.each([
    ['the engine reports a lost session', failed(255), true],
    ['the program failed', failed(1, 'no'), false],
    ['it timed out', new CommandError(command, 'timed-out', result(-1)), false],
  ])('recognizes whether the session was lost when %s: %#', (_, error, lost) => {
    expect(isLostSession(error)).toBe(lost);
  });
});

describe('withSessionRetry', () => {
  const answer = { changed: [], stdout: '' };
  /** A machine whose first puts fail with these errors. */
  const machineFailingWith = (...failures: readonly Error[]) => {
    const [remaining, said, reopened, clock] = [[...failures], [] as string[], [] as string[], fakeClock()];
    const machine = {
      name: 'k1',
      put: () => {
        const failure = remaining.shift();
        return failure === undefined ? Promise.resolve(answer) : Promise.reject(failure);
      },
    } as unknown as Machine;
    const put = () =>
      withSessionRetry(machine, clock, async (name) => void reopened.push(name)).put([], undefined, {
        ...quiet,
        say: (text) => void said.push(text),
      });
    return { put, said, reopened, slept: clock.slept, remaining };
  };

  it('retries in a new session and says so', async () => {
    const { put, said, reopened, slept } = machineFailingWith(failed(255), failed(255));
    expect(await put()).toBe(answer);
    expect(reopened).toEqual(['k1', 'k1']);
    expect(said).toEqual(Array(2).fill('the session was lost; retrying in a new one'));
    expect(slept).toEqual([5_000, 15_000]);
  });

  it('gives up after three sessions', async () => {
    const { put, remaining } = machineFailingWith(failed(255), failed(255), failed(255), failed(255));
    await expect(put()).rejects.toMatchObject({ result: { exitCode: 255 } });
    expect(remaining).toHaveLength(1);
  });

  it('does not retry other failures', async () => {
    const { put, said, reopened, slept } = machineFailingWith(failed(21, 'no space left on device'));
    await expect(put()).rejects.toMatchObject({ result: { exitCode: 21 } });
    expect([said, reopened, slept]).toEqual([[], [], []]);
  });
});
