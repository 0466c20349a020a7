import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../../src/rehearsal/clock.ts';
import { retry } from '../../../src/system/retry.ts';

function setup(failures: number, message = 'refused') {
  const clock = createVirtualClock(0);
  const interrupt = new AbortController();
  const retries: string[] = [];
  let attempts = 0;
  const work = (): Promise<number> =>
    ++attempts <= failures ? Promise.reject(new Error(message)) : Promise.resolve(attempts);
  const run = () =>
    clock.drive(
      retry(work, {
        clock,
        delays: [1_000, 2_000, 4_000],
        signal: interrupt.signal,
        shouldRetry: (thrown) => (thrown as Error).message !== 'never',
        onRetry: (thrown, pauseMs) => retries.push(`${(thrown as Error).message}, again in ${pauseMs} ms`),
      }),
    );
  return { clock, interrupt, retries, run };
}

describe('a retry', () => {
  it('waits for the given delays, and reports the reason', async () => {
    const { run, clock, retries } = setup(2);
    await expect(run()).resolves.toBe(3);
    expect(clock.now()).toBe(3_000);
    expect(retries).toEqual(['refused, again in 1000 ms', 'refused, again in 2000 ms']);
  });

  it('ends with the last failure', async () => {
    const { run, clock } = setup(9);
    await expect(run()).rejects.toThrow('refused');
    expect(clock.now()).toBe(7_000);
  });

  it('does not follow a permanent error', async () => {
    const { run, clock } = setup(9, 'never');
    await expect(run()).rejects.toThrow('never');
    expect(clock.now()).toBe(0);
  });

  it('ends at once when interrupted', async () => {
    const { run, clock, interrupt } = setup(9);
    clock.after(1_500, () => interrupt.abort(new Error('enough')));
    await expect(run()).rejects.toThrow('enough');
    expect(clock.now()).toBe(1_500);
  });
});
