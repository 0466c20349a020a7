import { describe, expect, it } from 'vitest';
import { cutText, hang, lengthOf, wrapText } from '../../../src/ui/wrap.ts';

describe('text fitted to the columns of a terminal', () => {
  it('counts two columns for a wide character and none for a combining one', () => {
    expect(lengthOf('日本')).toBe(4);
    expect(lengthOf('e\u0301')).toBe(1);
  });

  it('breaks between words, and a word only where it is longer than a line', () => {
    expect(wrapText('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrapText('abcdefgh', 3)).toEqual(['abc', 'def', 'gh']);
    expect(wrapText('日本日本', 4)).toEqual(['日本', '日本']);
    expect(wrapText('as it is', 0)).toEqual(['as it is']);
  });

  it('is unchanged when it fits, with its indent and its signs of one column', () => {
    expect(wrapText('  indented', 10)).toEqual(['  indented']);
    expect(wrapText(' ', 1)).toEqual([' ']);
    expect(wrapText('✔', 1)).toEqual(['✔']);
  });

  it('cuts with an ellipsis, never wider than asked', () => {
    expect(cutText('waiting for cloud-init', 12)).toBe('waiting for…');
    expect(cutText('fits', 4)).toBe('fits');
    expect(cutText('日本日本', 5)).toBe('日本…');
    expect(cutText('nothing', 0)).toBe('');
  });

  it('is indented below a prefix', () => {
    expect(hang('Try: ', 'one two three four', 18)).toEqual(['Try: one two three', '     four']);
  });
});
