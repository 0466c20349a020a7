import { spawnSync } from 'node:child_process';
import { fc } from '../../support/fast-check.ts';
import { describe, expect, it } from 'vitest';
import { quoteCommand } from '../../../src/system/quote.ts';

/** The words that a real shell reads from the text. */
function readByShell(text: string): string[] {
  const { stdout } = spawnSync('sh', ['-c', `printf '%s\\0' ${text}`], { encoding: 'utf8' });
  return stdout.split('\0').slice(0, -1);
}

describe('quoteCommand', () => {
  it('leaves plain words unquoted', () => {
    expect(quoteCommand('multipass', ['exec', '-n', 'k1', '--', 'uname', '-m'])).toBe(
      'multipass exec -n k1 -- uname -m',
    );
    expect(quoteCommand('kubectl', ['--output=json', '/a/b.c', 'x:1,y@z%'])).toBe(
      'kubectl --output=json /a/b.c x:1,y@z%',
    );
  });

  it.each([
    ['', "''"],
    ["it's", `'it'\\''s'`],
    ['$(rm -rf ~)', "'$(rm -rf ~)'"],
    ['a\nb', "'a\nb'"],
    ['~', "'~'"],
    ['=x', "'=x'"],
  ])('quotes %j', (word, quoted) => {
    expect(quoteCommand('x', [word])).toBe(`x ${quoted}`);
  });

  it('does not let a file name become an assignment', () => {
    expect(quoteCommand('A=b', [])).toBe("'A=b'");
  });

  it('is read back by sh unchanged', () => {
    const word = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', ''));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (words) => {
        expect(readByShell(words.map((each) => quoteCommand(each, [])).join(' '))).toEqual(words);
      }),
      { numRuns: 60 },
    );
  });
});
