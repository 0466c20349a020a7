/** True in the project `long`, which .ci/run runs; `npm test` must end within a minute. */
export const long = process.env['LONG'] === '1';

/**
 * Rows of a table test that only repeat with more examples: all of them in the project `long`, in `npm test` every n-th,
 * the first included. A file that imports this belongs in `long-files.ts`, which a test checks.
 */
export function sampled<T>(rows: readonly T[], every: number): readonly T[] {
  return long ? rows : rows.filter((_, index) => index % every === 0);
}
