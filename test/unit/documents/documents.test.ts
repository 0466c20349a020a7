import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { codeBlocks, executableCommands, WRITTEN_BY_HAND } from '../../../scripts/documents/code-blocks.ts';
import { generatedFiles } from '../../../scripts/documents/generated.ts';
import { REASONS } from '../../../src/errors/reasons.ts';

const docs = (await readdir('docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
const documents = ['README.md', 'CONTRIBUTING.md', ...docs];

describe('documents', () => {
  it.each(Object.entries(generatedFiles))(
    'match what the program generates: %s (npm run docs)',
    async (path, generate) => {
      const text = await readFile(path, 'utf8');
      expect(text).toBe(await generate(text));
    },
    60_000,
  );

  it('explain every reason in docs/troubleshooting.md', async () => {
    const text = await readFile('docs/troubleshooting.md', 'utf8');
    const missing = Object.keys(REASONS).filter((reason) => !text.includes(`\`${reason}\``));
    expect(missing).toEqual([]);
  });

  it.each(documents)('contain no code block that is neither generated nor executed: %s', async (path) => {
    const unknown = codeBlocks(await readFile(path, 'utf8')).flatMap(({ language, content, line, generated }) => {
      if (generated || WRITTEN_BY_HAND.some((block) => block.document === path && content.includes(block.contains))) {
        return [];
      }
      if (language !== 'sh') return [`line ${line}: \`\`\`${language}`];
      try {
        executableCommands(content);
        return [];
      } catch (error) {
        return [`line ${line}: ${(error as Error).message}`];
      }
    });
    expect(unknown).toEqual([]);
  });

  it.each(documents)('link only to files that exist: %s', async (path) => {
    const links = [...(await readFile(path, 'utf8')).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, link = '']) => link);
    const local = links.filter((link) => !/^[a-z]+:/.test(link));
    const missing: string[] = [];
    for (const link of local) {
      const target = path.startsWith('docs/') ? `docs/${link}` : link;
      if ((await readFile(target).catch(() => undefined)) === undefined) missing.push(link);
    }
    expect(missing).toEqual([]);
  });

  it('keep the README within 250 lines', async () => {
    expect((await readFile('README.md', 'utf8')).split('\n').length).toBeLessThanOrEqual(250);
  });
});
