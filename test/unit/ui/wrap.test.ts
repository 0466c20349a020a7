import { describe, expect, it } from 'vitest';
import { cutText, hang, lengthOf, wrapText } from '../../../src/ui/wrap.ts';

describe('text fitted to the columns of a terminal', () => {
  it('has two columns for a wide character and none for a combining one', () => {
    expect(lengthOf('日本')).toBe(4);
    expect(lengthOf('e\u0301')).toBe(1);
  });

  it('is wrapped between words, and inside a word only if the word is longer than a line', () => {
    expect(wrapText('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrapText('abcdefgh', 3)).toEqual(['abc', 'def', 'gh']);
    expect(wrapText('日本日本', 4)).toEqual(['日本', '日本']);
    expect(wrapText('as it is', 0)).toEqual(['as it is']);
  });

  it('is unchanged when it fits, including its indent and one-column symbols', () => {
    expect(wrapText('  indented', 10)).toEqual(['  indented']);
    expect(wrapText(' ', 1)).toEqual([' ']);
    expect(wrapText('✔', 1)).toEqual(['✔']);
  });

  it('is cut with an ellipsis, and never exceeds the width', () => {
    expect(cutText('waiting for cloud-init', 12)).toBe('waiting for…');
    expect(cutText('fits', 4)).toBe('fits');
    expect(cutText('日本日本', 5)).toBe('日本…');
    expect(cutText('nothing', 0)).toBe('');
  });

  it('is indented below a prefix', () => {
    expect(hang('Try: ', 'one two three four', 18)).toEqual(['Try: one two three', '     four']);
  });
});
