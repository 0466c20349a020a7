import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../../src/rehearsal/clock.ts';
import { retry } from '../../../src/system/retry.ts';

function trying(failures: number, message = 'refused') {
  const clock = createVirtualClock(0);
  const interrupt = new AbortController();
  const heard: string[] = [];
  let tries = 0;
  const work = (): Promise<number> =>
    ++tries <= failures ? Promise.reject(new Error(message)) : Promise.resolve(tries);
  const go = () =>
    clock.drive(
      retry(work, {
        clock,
        delays: [1_000, 2_000, 4_000],
        signal: interrupt.signal,
        shouldRetry: (thrown) => (thrown as Error).message !== 'never',
        onRetry: (thrown, pauseMs) => heard.push(`${(thrown as Error).message}, again in ${pauseMs} ms`),
      }),
    );
  return { clock, interrupt, heard, go };
}

describe('a retry', () => {
  it('waits for the given delays, and reports the reason', async () => {
    const { go, clock, heard } = trying(2);
    await expect(go()).resolves.toBe(3);
    expect(clock.now()).toBe(3_000);
    expect(heard).toEqual(['refused, again in 1000 ms', 'refused, again in 2000 ms']);
  });

  it('ends with the last failure', async () => {
    const { go, clock } = trying(9);
    await expect(go()).rejects.toThrow('refused');
    expect(clock.now()).toBe(7_000);
  });

  it('is not made after a permanent error', async () => {
    const { go, clock } = trying(9, 'never');
    await expect(go()).rejects.toThrow('never');
    expect(clock.now()).toBe(0);
  });

  it('ends at once when interrupted', async () => {
    const { go, clock, interrupt } = trying(9);
    clock.after(1_500, () => interrupt.abort(new Error('enough')));
    await expect(go()).rejects.toThrow('enough');
    expect(clock.now()).toBe(1_500);
  });
});
