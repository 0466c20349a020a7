import { describe, expect, it } from 'vitest';
import { parseEnvironment } from '../../../../src/rehearsal/mesh/environment.ts';

describe('the parser of environment files of systemd', () => {
  it.each([
    [
      'A=1\nB=two words \n',
      [
        ['A', '1'],
        ['B', 'two words'],
      ],
    ],
    ['# no\n; no\n\nA=1', [['A', '1']]],
    [
      `A='{"a":"b"}'\nB="x\\"y\\$z"\n`,
      [
        ['A', '{"a":"b"}'],
        ['B', 'x"y$z'],
      ],
    ],
    ["A=istiod-'1-19-3'\n", [['A', "istiod-'1-19-3'"]]],
    ['no assignment\nA=1\n', [['A', '1']]],
    [
      'A=\nB=$HOME\n',
      [
        ['A', ''],
        ['B', '$HOME'],
      ],
    ],
  ])('reads %j', (text, entries) => {
    expect(parseEnvironment(text)).toEqual(entries);
  });
});
