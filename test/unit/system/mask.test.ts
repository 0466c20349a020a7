import { fc } from '../../support/fast-check.ts';
import { describe, expect, it } from 'vitest';
import { createMask } from '../../../src/system/mask.ts';

describe('createMask', () => {
  it('masks a secret as plain text, base64, URL and JSON', () => {
    const mask = createMask();
    const secret = 'K10a/b+c?d"e::server:6f0';
    mask.add(secret);
    const base64 = Buffer.from(secret).toString('base64');
    for (const form of [secret, base64, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
      expect(mask.text(`a ${form} b`)).toMatch(/^a \*\*\*=* b$/);
    }
  });

  it('masks the base64 of a secret with a trailing newline', () => {
    const mask = createMask();
    mask.add('0123456789abcdef01');
    const shown = mask.text(Buffer.from('0123456789abcdef01\n').toString('base64'));
    expect(shown.startsWith('***')).toBe(true);
    expect(shown.length).toBeLessThan(8);
  });

  it('masks the longest secret first', () => {
    const mask = createMask();
    mask.add('abcdef');
    mask.add('abcdefghijkl');
    expect(mask.text('abcdefghijkl abcdef')).toBe('*** ***');
  });

  it('ignores secrets that are too short, and leaves other text alone', () => {
    const mask = createMask();
    mask.add('8000');
    mask.add('');
    expect(mask.text('port 8000')).toBe('port 8000');
  });

  it('never shows a registered secret, whatever it contains', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6, unit: 'binary' }), (secret) => {
        fc.pre(secret.trim().length >= 6 && !/^[<*>]+$/.test(secret.trim()));
        const mask = createMask();
        mask.add(secret);
        expect(mask.text(`<${secret}>`)).not.toContain(secret.trim());
      }),
    );
  });
});
