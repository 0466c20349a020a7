/**
 * A question asked once: callers at the same time share the answer, which holds until `forget`. It is asked with the
 * arguments of the first caller.
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
      // A failed question is asked again next time.
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
