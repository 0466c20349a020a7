import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ENGINES } from '../../../src/machines/index.ts';

const NAMES = Object.keys(ENGINES);
/** Files that list the engines, and the list of faults, some of which exist for only one engine. */
const MAPS = [
  'src/machines/index.ts',
  'src/rehearsal/index.ts',
  'src/rehearsal/engines/traits.ts',
  'src/rehearsal/faults.ts',
];
/** Citations such as docs/facts/NAME.md 3.1, which do not count as mentions of the engine. */
const CITATION = /docs\/facts\/[a-z-]+\.md/g;

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => `src/${file}`);

/** Lines, including comments, that name the engine outside its own folders. */
function mentions(engine: string): readonly string[] {
  const own = [`src/machines/${engine}/`, `src/rehearsal/engines/${engine}/`];
  return files
    .filter((file) => !MAPS.includes(file) && !own.some((folder) => file.startsWith(folder)))
    .flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .map((line, index) => ({ place: `${file}:${index + 1}`, line: line.replaceAll(CITATION, '') }))
        .filter(({ line }) => line.toLowerCase().includes(engine))
        .map(({ place, line }) => `${place}: ${line.trim()}`),
    );
}

describe.each(NAMES)('the engine %s', (name) => {
  it('is named only in its own folder and in the map', () => {
    expect(mentions(name)).toEqual([]);
  });

  it('needs one line in the map besides its import', () => {
    const lines = readFileSync('src/machines/index.ts', 'utf8').split('\n');
    expect(lines.filter((line) => line.includes(name))).toHaveLength(2);
  });

  it('has a folder with its argv, issues, settings and hints', () => {
    expect(readdirSync(`src/machines/${name}`)).toEqual(
      expect.arrayContaining(['argv.ts', 'engine.ts', 'host.ts', 'issues.ts', 'json.ts', 'launch.ts', 'settings.ts']),
    );
  });
});

describe('the variables of the engines', () => {
  it('are read by one engine each', () => {
    const variables = Object.values(ENGINES).flatMap((engine) => Object.keys(engine.variables));
    expect(new Set(variables).size).toBe(variables.length);
  });
});
