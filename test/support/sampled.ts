/** True in the project `long`, which .ci/run runs; `npm test` must end within a minute. */
export const long = process.env['LONG'] === '1';

/**
 * Rows of a table test of which a part is enough for `npm test`: every n-th row including the first, and all rows in the
 * project `long`. A file that imports this must be in `long-files.ts`, which a test checks.
 */
export function sampled<T>(rows: readonly T[], every: number): readonly T[] {
  return long ? rows : rows.filter((_, index) => index % every === 0);
}
