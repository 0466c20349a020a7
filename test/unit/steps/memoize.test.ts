import { expect, it } from 'vitest';
import { memoize } from '../../../src/steps/memoize.ts';

it('calls once for concurrent callers, and again after forget', async () => {
  let asked = 0;
  const question = memoize(async () => ++asked);
  expect(await Promise.all([question.get(), question.get()])).toEqual([1, 1]);
  expect(await question.get()).toBe(1);
  question.forget();
  expect(await question.get()).toBe(2);
});

it('calls again after a failure, which all waiting callers get', async () => {
  let asked = 0;
  const question = memoize(async () => {
    if (++asked === 1) throw new Error('no');
    return asked;
  });
  const first = question.get();
  const second = question.get();
  await expect(first).rejects.toThrow('no');
  await expect(second).rejects.toThrow('no');
  expect(await question.get()).toBe(2);
});

it('keeps a newer result when an older call fails late', async () => {
  const fail: (() => void)[] = [];
  let asked = 0;
  const question = memoize(() =>
    ++asked === 1
      ? new Promise<number>((_, reject) => fail.push(() => reject(new Error('late'))))
      : Promise.resolve(asked),
  );
  const first = question.get();
  question.forget();
  expect(await question.get()).toBe(2);
  fail[0]?.();
  await expect(first).rejects.toThrow('late');
  expect(await question.get()).toBe(2);
  expect(asked).toBe(2);
});
