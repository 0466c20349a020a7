import { spawnSync } from 'node:child_process';
import { fc } from '../../support/fast-check.ts';
import { describe, expect, it } from 'vitest';
import { parseEnvFile, renderEnvFile } from '../../../src/guest/env-file.ts';

const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,12}$/);
/** Any text that an environment variable can hold, with many characters that need quoting. */
const value = fc
  .array(
    fc.oneof(fc.constantFrom(...'"\'\\$`#;=& \t\n{}*!~'.split('')), fc.string({ unit: 'grapheme', maxLength: 3 })),
    {
      maxLength: 12,
    },
  )
  .map((parts) => parts.join('').replaceAll('\0', ''));
const entries = fc.array(fc.tuple(name, value), { maxLength: 6 }).map((pairs) => new Map(pairs));

describe('parseEnvFile', () => {
  it.each([
    ['a=b', 'b'],
    ["a='istiod-1-19-3.istio-system.svc:15012'", 'istiod-1-19-3.istio-system.svc:15012'],
    ["a=istiod-'1-19-3.istio-system.svc:15013'", 'istiod-1-19-3.istio-system.svc:15013'],
    [`a='{"app":"external-app"}'`, '{"app":"external-app"}'],
    ["a='it'\\''s'", "it's"],
    ['a="x\\"y\\\\z"', 'x"y\\z'],
    ['a=', ''],
    ["a='*' # all", '*'],
    ["a='two\nlines'", 'two\nlines'],
    ['# a comment\n\na=1\na=2\n', '2'],
  ])('reads %j', (text, expected) => {
    expect(parseEnvFile(text).get('a')).toBe(expected);
  });

  it.each([
    'a=$(reboot)',
    'a=`reboot`',
    'a="$HOME"',
    'a=b; reboot',
    'a=b reboot',
    'reboot',
    'a b=c',
    "a='open",
    'a="open',
    'export a=b',
  ])('refuses %j, which a shell would interpret', (text) => {
    expect(() => parseEnvFile(`ok=1\n${text}\n`)).toThrow(/Line 2/);
  });
});

describe('renderEnvFile', () => {
  it('writes what parseEnvFile reads back unchanged', () => {
    fc.assert(
      fc.property(entries, (map) => {
        expect([...parseEnvFile(renderEnvFile(map))]).toEqual([...map]);
      }),
    );
  });

  it('writes what a shell reads unchanged', () => {
    fc.assert(
      fc.property(value, (text) => {
        const file = renderEnvFile(new Map([['V', text]]));
        const shell = spawnSync('/bin/sh', ['-c', `${file}printf %s. "$V"`], { encoding: 'utf8' });
        expect(shell.stdout).toBe(`${text}.`);
      }),
      { numRuns: 40 },
    );
  });

  it('writes one quoted assignment per line, which systemd and a shell read alike', () => {
    const labels = '{"app":"external-app","path":"C:\\\\x","cost":"$5"}';
    expect(renderEnvFile(new Map([['ISTIO_METAJSON_LABELS', labels]]))).toBe(
      '# Made by istio-vms.\nISTIO_METAJSON_LABELS="{\\"app\\":\\"external-app\\",\\"path\\":\\"C:\\\\\\\\x\\",\\"cost\\":\\"\\$5\\"}"\n',
    );
  });

  it('refuses invalid names', () => {
    expect(() => renderEnvFile(new Map([['A B', 'x']]))).toThrow();
  });
});
