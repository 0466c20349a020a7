/** A question asked once: callers at the same time share the answer, which holds until `forget`. */
export interface Memo<T> {
  get(): Promise<T>;
  forget(): void;
}

export function memoize<T>(ask: () => Promise<T>): Memo<T> {
  let answer: Promise<T> | undefined;
  return {
    get: () => {
      const mine = (answer ??= ask());
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
