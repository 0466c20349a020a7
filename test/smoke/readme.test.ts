import { readFile, writeFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLI, createComputer, type Computer } from './computer.ts';
import { shell } from './shell.ts';

/** Lines that install, or want real tools and minutes. */
const NOT_HERE = /^(npm |git |cd |brew |snap |sudo |multipass|kubectl)/;

const readme = await readFile('README.md', 'utf8').catch(() => undefined);
const commands = readme === undefined ? [] : commandsIn(readme);

// What the README tells newcomers to type, typed.
describe.skipIf(readme === undefined)('README.md (skipped where it is not written yet)', () => {
  let computer: Computer;
  beforeAll(async () => {
    computer = await createComputer();
    // `npx istio-vms` is the built CLI, without npm's own second.
    const npx = join(computer.env['PATH'] ?? '', 'npx');
    await writeFile(npx, `#!/bin/sh\nshift\nexec '${process.execPath}' '${CLI}' "$@"\n`);
    await chmod(npx, 0o755);
  });
  afterAll(() => computer.remove());

  it('has commands that need no tool', () => expect(commands.length).toBeGreaterThan(0));

  it.each(commands)('%s', async (command) => {
    const { exitCode, stdout, stderr } = await shell(computer, command);
    // A fault that is rehearsed may end in its own exit code, but never in a bug or in wrong usage.
    expect(command.includes('--fault') ? [0, 4, 5, 6, 7] : [0], stderr).toContain(exitCode);
    expect(stdout + stderr).not.toBe('');
    expect(computer.calls).toEqual([]);
  });
});

/** Lines of `sh` blocks that can be typed on a computer with nothing but Node: rehearsals, help, and the version. */
function commandsIn(text: string): string[] {
  const lines = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block]) => (block ?? '').split('\n'));
  return [
    ...new Set(
      lines.map((line) =>
        line
          .replace(/\s+#.*$/, '')
          .replace(/^npm ci && /, '')
          .trim(),
      ),
    ),
  ]
    .filter((line) => line.startsWith('npx istio-vms') && !NOT_HERE.test(line))
    .filter((line) => / --(rehearse|help|version)\b/.test(line) || / (env|plan --graph)\b/.test(line));
}
