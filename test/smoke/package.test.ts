import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

interface Packed {
  readonly files: readonly { readonly path: string }[];
}

it('the npm package contains no test code', async () => {
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts']);
  const [packed] = JSON.parse(stdout) as readonly [Packed];
  const paths = packed.files.map(({ path }) => path);
  expect(paths).toContain('dist/rehearsal/world.js');
  expect(paths.filter((path) => /^(dist\/)?(test|bench|scripts)\/|\.test\./.test(path))).toEqual([]);

  const programs = paths.filter((path) => path.endsWith('.js'));
  const texts = await Promise.all(programs.map(async (path) => [path, await readFile(path, 'utf8')] as const));
  const hooked = texts.filter(([, text]) => /CRASH_POINT|crashPoints/.test(text)).map(([path]) => path);
  expect(hooked).toEqual([]);
});
