import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const PAGES = 'docs/facts';
/** Folders whose files cite facts, except recordings, which are output of other programs. */
const ROOTS = ['src', 'test', 'data', 'scripts', 'bench', 'docs', '.ci', '.github'];
const FILES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'run.env.example',
  'vitest.config.ts',
  'eslint.config.js',
];
/** This file contains citations that do not resolve, to test the check. */
const OWN = 'test/unit/facts.test.ts';

interface Citation {
  readonly page: string;
  /** `3.3`, `7 no. 10`; empty for the whole page. */
  readonly sections: readonly string[];
}

/** Comments on one line each, since a citation may be wrapped. */
const unwrapped = (text: string): string => text.replace(/\n[ \t]*(?:\*(?!\/)|\/\/|#)?[ \t]*/g, ' ');

const SECTION = /\d+(?:\.\d+)?(?: no\. \d+(?: and \d+(?![.\d]))?)?/;
const SECTIONS = new RegExp(`^\`? (${SECTION.source}(?:(?:,? and |, |-)${SECTION.source})*)`);

/** Every `docs/facts/PAGE.md SECTION`; with another prefix `PAGE.md SECTION`, as the pages cite each other. */
function citations(text: string, prefix: string): Citation[] {
  const found: Citation[] = [];
  const flat = unwrapped(text);
  for (const match of flat.matchAll(new RegExp(`(?<![\\w/-])${prefix}([a-z0-9-]+)\\.md`, 'g'))) {
    const list = SECTIONS.exec(flat.slice(match.index + match[0].length))?.[1] ?? '';
    const sections = [...list.matchAll(new RegExp(SECTION, 'g'))].flatMap(([section]) => {
      const [number = '', items] = section.split(' no. ');
      return items === undefined ? [number] : items.split(' and ').map((item) => `${number} no. ${item}`);
    });
    found.push({ page: match[1] as string, sections });
  }
  return found;
}

/** What can be cited of a page: headings, `N no. M` for numbered items of section N, and `N.M` for the same item. */
function anchors(page: string): Set<string> {
  const found = new Set<string>();
  let section = '';
  for (const line of page.split('\n')) {
    const heading = /^#{2,3} (\d+(?:\.\d+)?)\.? /.exec(line)?.[1];
    if (heading !== undefined) found.add((section = heading));
    const item = /^(\d+)\. /.exec(line)?.[1];
    if (item === undefined || section === '') continue;
    found.add(`${section} no. ${item}`);
    if (!section.includes('.')) found.add(`${section}.${item}`);
  }
  return found;
}

function unresolved(cited: readonly Citation[], known: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return cited.flatMap(({ page, sections }) => {
    const sectionsOfPage = known.get(page);
    if (sectionsOfPage === undefined) return [`${page}.md`];
    return sections.filter((section) => !sectionsOfPage.has(section)).map((section) => `${page}.md ${section}`);
  });
}

async function texts(): Promise<Map<string, string>> {
  const paths = [...FILES];
  for (const root of ROOTS) {
    const entries = await readdir(root, { withFileTypes: true, recursive: true });
    paths.push(...entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)));
  }
  const read = paths.filter((path) => path !== OWN && !/^test\/recordings\/.*\.json$|\.(?:png|svg)$/.test(path));
  return new Map(await Promise.all(read.map(async (path) => [path, await readFile(path, 'utf8')] as const)));
}

const pages = new Map<string, string>();
for (const name of (await readdir(PAGES)).filter((file) => file.endsWith('.md'))) {
  pages.set(basename(name, '.md'), await readFile(join(PAGES, name), 'utf8'));
}
const known = new Map([...pages].map(([name, text]) => [name, anchors(text)]));

describe('docs/facts', () => {
  it('has every page and section that a file cites', async () => {
    const missing: string[] = [];
    let count = 0;
    for (const [path, text] of await texts()) {
      const cited = citations(text, 'docs/facts/');
      count += cited.length;
      missing.push(...unresolved(cited, known).map((what) => `${path}: ${what}`));
    }
    expect(missing).toEqual([]);
    expect(count).toBeGreaterThan(200);
  });

  it('has every section that its pages cite from each other', () => {
    const names = [...pages.keys()].join('|');
    const missing = [...pages].flatMap(([name, text]) =>
      unresolved(citations(text, `(?=(?:${names})\\.md \\d)`), known).map((what) => `${name}.md: ${what}`),
    );
    expect(missing).toEqual([]);
  });

  it('is cited by its path in the repository', async () => {
    const old = [...(await texts())].filter(
      ([path, text]) => !path.startsWith('docs/') && /(?<![\w/-])facts\/[a-z0-9-]+\.md|(?<![\w/])reviews\//.test(text),
    );
    expect(old.map(([path]) => path)).toEqual([]);
  });

  it.each([...pages].filter(([name]) => name !== 'README'))(
    'names the sources of %s and of each of its sections, with a version or a date',
    (_name, text) => {
      const parts = text.split(/^(?=## )/m);
      const bare = parts.filter((part) => !/\d+\.\d|\d{4}-\d\d/.test(/^Sources: (?:.+\n)+/m.exec(part)?.[0] ?? ''));
      expect(bare.map((part) => part.split('\n', 1)[0])).toEqual([]);
    },
  );
});

describe('a citation', () => {
  it('may span lines, and may name several sections and numbered items', () => {
    expect(citations('/* docs/facts/multipass.md\n * 5, 7 no. 1 and 2 and 3.1, #12 */', 'docs/facts/')).toEqual([
      { page: 'multipass', sections: ['5', '7 no. 1', '7 no. 2', '3.1'] },
    ]);
    expect(citations('docs/facts/k3s.md 9 for 2 CPUs; docs/facts/istio-vm.md 1.1-1.3', 'docs/facts/')).toEqual([
      { page: 'k3s', sections: ['9'] },
      { page: 'istio-vm', sections: ['1.1', '1.3'] },
    ]);
  });

  it('does not resolve when page, section or item is missing', () => {
    const example = new Map([['k3s', anchors('## 3. Start\n\n1. a\n\n### 3.7 b\n')]]);
    const cited = citations('docs/facts/k3s.md 3, 3.1, 3.7, 3 no. 1, 3 no. 2, 4; docs/facts/x.md 1', 'docs/facts/');
    expect(unresolved(cited, example)).toEqual(['k3s.md 3 no. 2', 'k3s.md 4', 'x.md']);
  });
});
