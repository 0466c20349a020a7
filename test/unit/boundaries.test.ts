import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SAMPLED_FILES } from '../support/long-files.ts';

/** Globals that access the system, which the import rules (.dependency-cruiser.cjs) cannot detect. */
const GLOBALS: readonly [string, RegExp][] = [
  ['process', /\bprocess\./],
  ['Date.now', /\bDate\.now\b/],
  ['new Date()', /\bnew Date\(\)/],
  ['fetch', /(?<![.\w])fetch\(/],
  ['timers', /(?<![.\w])(setTimeout|setInterval|setImmediate)\(/],
  ['console', /\bconsole\./],
  ['Math.random', /\bMath\.random\b/],
];

/** Casts to an unchecked shape: `node['status'] as …`, `parsed as {…}`. Types such as `Manifest['metadata']` are fine. */
const CASTS =
  /(?<!\b[A-Z]\w*)\['(?:spec|status|data|metadata)'\]|\bas\s+(?:\{|object\b|Record<string, (?:string|unknown)>)/g;

/** A cast of a field of a Kubernetes object. */
const FIELD_CASTS =
  /(?:\.|\[')(?:spec|status|data|stringData|metadata|ownerReferences)(?:'\])?(?:\?\.\[\d\])?\)? as (?!const)[^,;)]*/g;

/** Exceptions, each with its reason. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'src/main.ts': ['process'],
  // The virtual clock has to yield to the event loop.
  'src/rehearsal/clock.ts': ['timers'],
};

async function sources(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');

/** Source without comments and without text in quotes. */
const code = (text: string): string => withoutComments(text).replace(/'(?:[^'\\\n]|\\.)*'/g, "''");

describe('boundaries of the folders', () => {
  it('allow system access only in src/system, the process edge and the virtual clock', async () => {
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

  it('require that data from outside is parsed by a schema, not cast', async () => {
    const found: string[] = [];
    for (const file of await sources('src')) {
      // The simulation reads only data that it wrote itself; the next test covers its cluster.
      if (file.startsWith('src/rehearsal/')) continue;
      const text = withoutComments(await readFile(file, 'utf8'));
      for (const [cast] of text.matchAll(CASTS)) found.push(`${file}: ${cast}`);
    }
    expect(found).toEqual([]);
  });

  it('require that the simulated cluster gives its objects their types, without casts of their fields', async () => {
    const found: string[] = [];
    for (const file of await sources('src/rehearsal')) {
      const text = withoutComments(await readFile(file, 'utf8'));
      for (const [cast] of text.matchAll(FIELD_CASTS)) found.push(`${file}: ${cast}`);
    }
    expect(found).toEqual([]);
  });

  it('are checked by patterns that detect a forbidden global', () => {
    expect(
      GLOBALS.filter(([, pattern]) => pattern.test(code('const a = Date.now(); // process.env'))).map(([name]) => name),
    ).toEqual(['Date.now']);
  });

  it.each([
    ["(node['status'] as Status)", 1],
    ["pod?.['spec']", 1],
    ['parse(text) as {\n  clusters: string[] }', 1],
    ['answer as Record<string, unknown>', 1],
    ["let metadata: Manifest['metadata'];", 0],
    ['[1, 2] as const', 0],
  ])('are checked by a pattern that counts the casts in %j: %i', (text, count) =>
    expect([...text.matchAll(CASTS)]).toHaveLength(count),
  );
});

describe('the project `long`', () => {
  it('runs all files that are sampled in `npm test`', async () => {
    const sampled: string[] = [];
    for (const file of await sources('test')) {
      if (/^import .*support\/sampled\.ts';$/m.test(await readFile(file, 'utf8'))) sampled.push(file);
    }
    expect(sampled.sort()).toEqual([...SAMPLED_FILES].sort());
  });
});
