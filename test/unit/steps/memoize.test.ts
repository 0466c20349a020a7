import { expect, it } from 'vitest';
import { memoize } from '../../../src/steps/memoize.ts';

it('calls once for concurrent callers, and again after forget', async () => {
  let calls = 0;
  const memoized = memoize(async () => ++calls);
  expect(await Promise.all([memoized.get(), memoized.get()])).toEqual([1, 1]);
  expect(await memoized.get()).toBe(1);
  memoized.forget();
  expect(await memoized.get()).toBe(2);
});

it('calls again after a failure, which all waiting callers get', async () => {
  let calls = 0;
  const memoized = memoize(async () => {
    if (++calls === 1) throw new Error('no');
    return calls;
  });
  const first = memoized.get();
  const second = memoized.get();
  await expect(first).rejects.toThrow('no');
  await expect(second).rejects.toThrow('no');
  expect(await memoized.get()).toBe(2);
});

it('keeps a newer result when an older call fails late', async () => {
  const fail: (() => void)[] = [];
  let calls = 0;
  const memoized = memoize(() =>
    ++calls === 1
      ? new Promise<number>((_, reject) => fail.push(() => reject(new Error('late'))))
      : Promise.resolve(calls),
  );
  const first = memoized.get();
  memoized.forget();
  expect(await memoized.get()).toBe(2);
  fail[0]?.();
  await expect(first).rejects.toThrow('late');
  expect(await memoized.get()).toBe(2);
  expect(calls).toBe(2);
});
