import { describe, expect, it } from 'vitest';
import { asCliError, CliError } from '../../../src/errors/cli-error.ts';
import { EXIT, EXIT_MEANINGS, REASONS, type Reason } from '../../../src/errors/reasons.ts';

/** Exit codes that scripts rely on. */
const EXIT_CODES: Readonly<Record<number, readonly Reason[]>> = {
  1: ['internal-error'],
  3: ['invalid-configuration'],
  4: ['tool-missing', 'tool-too-old', 'engine-unavailable'],
  6: ['session-hung', 'timed-out'],
  7: ['verify-failed'],
  130: ['interrupted'],
};

describe('the exit code of a reason', () => {
  it.each(Object.entries(EXIT_CODES))('is %s for exactly these reasons', (code, reasons) => {
    const found = (Object.keys(REASONS) as Reason[]).filter((reason) => REASONS[reason] === Number(code));
    expect(found.sort()).toEqual([...reasons].sort());
  });

  it.each(Object.keys(REASONS) as Reason[])('is the exit code of the error for %s', (reason) => {
    const error = new CliError(reason, { message: 'x' });
    expect(error.exitCode).toBe(REASONS[reason]);
    expect(error.exitCode).not.toBe(EXIT.done);
  });

  it('has one meaning', () => {
    const codes = EXIT_MEANINGS.map(([code]) => code);
    expect(codes).toEqual([...new Set(codes)]);
    expect([...codes].sort()).toEqual(Object.values(EXIT).sort());
  });
});

describe('asCliError', () => {
  it('returns a CliError unchanged', () => {
    const error = new CliError('disk-full', { message: 'full' });
    expect(asCliError(error)).toBe(error);
  });

  it.each([[new TypeError('x is not a function')], ['a text'], [undefined]])(
    'turns %s into an internal error and keeps it as the cause',
    (thrown) => {
      const error = asCliError(thrown);
      expect(error).toMatchObject({ reason: 'internal-error', exitCode: 1 });
      expect(error.cause).toBe(thrown);
    },
  );
});
