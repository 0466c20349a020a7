import { quiet } from '../../../support/context.ts';
import { describe, expect, it } from 'vitest';
import { asRoot } from '../../../../src/machines/machine.ts';
import type { Command } from '../../../../src/system/system.ts';
import { failureOf } from '../bench.ts';
import type { Subject } from '../conformance.ts';

const LIMIT_MS = 3_000;
/** Limit until a process on the machine is gone; it may need its own `timeout` if the client could not end it. */
const GONE_MS = 60_000;

/** Commands that do not end by themselves. */
export function cancellationCases({ bench, machine }: Subject): void {
  const isRunning = async (what: string): Promise<boolean> => {
    // The brackets keep pgrep from matching the command line that contains the pattern.
    const pattern = `^(sudo )?${what.replace('sleep', '[s]leep')}`;
    const search = machine().run({ file: 'pgrep', args: ['-f', pattern], effect: 'read' }, quiet);
    return search.then(
      () => true,
      (thrown: unknown) => {
        expect(thrown).toMatchObject({ failure: 'exit', result: { exitCode: 1 } });
        return false;
      },
    );
  };
  const waitUntilGone = async (what: string): Promise<void> => {
    const { sleep } = bench();
    for (let waited = 0; await isRunning(what); waited += 500) {
      if (waited > GONE_MS) throw new Error(`\`${what}\` still runs after ${GONE_MS / 1000} s`);
      await sleep(500);
    }
  };
  const long = (seconds: string, effect: Command['effect']): Command => ({
    file: 'sleep',
    args: [seconds],
    effect,
    timeoutMs: LIMIT_MS,
  });

  describe('a time limit', () => {
    it.each([
      ['a command', '3001', long('3001', 'write')],
      ['a command as root', '3002', asRoot(long('3002', 'write'))],
      ['a child of a command', '3003', { ...long('', 'write'), file: 'sh', args: ['-c', 'sleep 3003; echo never'] }],
    ])('ends %s and leaves no process on the machine', async (_, seconds, command) => {
      await bench().drive(async () => {
        const ended = failureOf(machine().run(command, quiet));
        expect((await ended).failure).toBe('timed-out');
        await waitUntilGone(`sleep ${seconds}`);
      });
    });

    it('does not affect later commands', async () => {
      const { drive } = bench();
      expect(
        (await drive(() => machine().run({ file: 'cat', args: [], effect: 'read', stdin: 'on' }, quiet))).stdout,
      ).toBe('on');
    });
  });

  describe('Ctrl-C', () => {
    it('ends a command that only reads and leaves no process on the machine', async () => {
      const { drive, sleep } = bench();
      await drive(async () => {
        const controller = new AbortController();
        const ended = failureOf(
          machine().run({ ...long('3004', 'read'), timeoutMs: 60_000 }, { ...quiet, signal: controller.signal }),
        );
        await sleep(2_000);
        expect(await isRunning('sleep 3004')).toBe(true);
        controller.abort();
        expect((await ended).failure).toBe('aborted');
        await waitUntilGone('sleep 3004');
      });
    });

    it('lets a command that writes finish', async () => {
      const { drive, sleep } = bench();
      await drive(async () => {
        const controller = new AbortController();
        const command = { file: 'sh', args: ['-c', 'sleep 3; echo whole'], effect: 'write' } as const;
        const ended = machine().run(command, { ...quiet, signal: controller.signal });
        await sleep(1_000);
        controller.abort();
        expect((await ended).stdout).toBe('whole\n');
      });
    });

    it('starts no new command', async () => {
      const { drive } = bench();
      const run = (): Promise<unknown> => machine().run(long('1', 'write'), { ...quiet, signal: AbortSignal.abort() });
      await drive(() => expect(run()).rejects.toMatchObject({ failure: 'aborted' }));
    });
  });
}
