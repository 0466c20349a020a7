/**
 * The cached result of a call. Concurrent callers share it, and it is kept until `forget`. The call uses the arguments
 * of the first caller.
 */
export interface Memo<T, A extends readonly unknown[] = []> {
  get(...args: A): Promise<T>;
  forget(): void;
}

export function memoize<T, A extends readonly unknown[] = []>(ask: (...args: A) => Promise<T>): Memo<T, A> {
  let answer: Promise<T> | undefined;
  return {
    get: (...args) => {
      const mine = (answer ??= ask(...args));
      // A failed call is not cached.
      mine.catch(() => {
        if (answer === mine) answer = undefined;
      });
      return mine;
    },
    forget: () => {
      answer = undefined;
    },
  };
}
