import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { generatedFiles } from '../../scripts/generated.ts';
import { REASONS } from '../../src/errors/reasons.ts';

describe('documents', () => {
  it.each(Object.entries(generatedFiles))(
    '%s is as the program makes it (npm run docs)',
    async (path, make) => {
      const text = await readFile(path, 'utf8');
      expect(text).toBe(await make(text));
    },
    60_000,
  );

  it('the README has a word for every reason', async () => {
    const text = await readFile('README.md', 'utf8');
    const missing = Object.keys(REASONS).filter((reason) => !text.includes(`\`${reason}\``));
    expect(missing).toEqual([]);
  });
});
