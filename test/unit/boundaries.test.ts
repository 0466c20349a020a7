import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SAMPLED_FILES } from '../support/sampled-files.ts';

/** What the import rules (.dependency-cruiser.cjs) cannot see: globals that touch the outside. */
const GLOBALS: readonly [string, RegExp][] = [
  ['process', /\bprocess\./],
  ['Date.now', /\bDate\.now\b/],
  ['new Date()', /\bnew Date\(\)/],
  ['fetch', /(?<![.\w])fetch\(/],
  ['timers', /(?<![.\w])(setTimeout|setInterval|setImmediate)\(/],
  ['console', /\bconsole\./],
  ['Math.random', /\bMath\.random\b/],
];

/** Places that may, each with its reason. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'src/main.ts': ['process'],
  // The virtual clock has to give the event loop its turns.
  'src/rehearsal/clock.ts': ['timers'],
};

async function sources(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Source without comments and without text in quotes. */
function code(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''");
}

describe('boundaries of the folders', () => {
  it('only src/system, the process edge and the virtual clock touch the outside', async () => {
    const found: string[] = [];
    for (const file of await sources('src')) {
      if (file.startsWith('src/system/')) continue;
      const text = code(await readFile(file, 'utf8'));
      for (const [name, pattern] of GLOBALS) {
        if (pattern.test(text) && !(ALLOWED[file] ?? []).includes(name)) found.push(`${file}: ${name}`);
      }
    }
    expect(found).toEqual([]);
  });

  it('detects a forbidden global', () => {
    expect(
      GLOBALS.filter(([, pattern]) => pattern.test(code('const a = Date.now(); // process.env'))).map(([name]) => name),
    ).toEqual(['Date.now']);
  });
});

describe('the project `long`', () => {
  it('runs every file that runs only a part of its examples in `npm test`', async () => {
    const sampled: string[] = [];
    for (const file of await sources('test')) {
      if (/^import .*support\/sampled\.ts';$/m.test(await readFile(file, 'utf8'))) sampled.push(file);
    }
    expect(sampled.sort()).toEqual([...SAMPLED_FILES].sort());
  });
});
