import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeBlocks, executableCommands } from '../../scripts/documents/code-blocks.ts';
import { USER_PROGRAMS } from '../../scripts/documents/user-programs.ts';
import { CLI, createComputer } from './computer.ts';
import { shell } from './shell.ts';

/** Commands that a document shows failing: any exit code from 4 on is accepted; 1 to 3 mean a bug or wrong usage. */
const FAILS_AS_SHOWN = /--fault |verify registration mesh-to-vm/;

const docs = (await readdir('docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
const documents: readonly (readonly [string, string])[] = (
  await Promise.all(
    ['README.md', ...docs].map(async (path) => [path, shellProgram(await readFile(path, 'utf8'))] as const),
  )
).filter(([, program]) => program !== '');

// Runs all commands of a document in one shell, in order.
describe('documented commands', () => {
  it.each(documents)(
    'succeed in the order in which %s lists them',
    async (_path, program) => {
      const computer = await createComputer([], USER_PROGRAMS);
      try {
        await putOnPath(computer.env['PATH'] ?? '');
        const { exitCode, stdout, stderr } = await shell(withSystemTools(computer), program);
        expect({ exitCode, last: stdout.slice(-2_000), stderr: stderr.slice(-2_000) }).toMatchObject({ exitCode: 0 });
        expect(computer.world.refused).toEqual([]);
      } finally {
        await computer.remove();
      }
      // A document has dozens of commands, each a process of its own.
    },
    600_000,
  );
});

/** The `sh` blocks of a document as one program that ends at the first command that fails. */
function shellProgram(text: string): string {
  const commands = codeBlocks(text)
    .filter(({ language, generated }) => language === 'sh' && !generated)
    .flatMap(({ content }) => executableCommands(content));
  return commands
    .map(({ line, stdin }) => {
      const onFailure = FAILS_AS_SHOWN.test(line) ? '{ code=$?; [ $code -ge 4 ] || exit $code; }' : 'exit';
      const input = stdin === '' ? ['', ''] : [` <<'END-OF-INPUT'`, `\n${stdin}END-OF-INPUT`];
      return `echo '$ ${line.replaceAll("'", "'\\''")}'\n${line}${input[0] ?? ''} || ${onFailure}${input[1] ?? ''}`;
    })
    .join('\n');
}

/** Installs `istio-vms` and `npx` as wrappers of the built CLI, because the real npx takes a second per call. */
async function putOnPath(directory: string): Promise<void> {
  const programs = { 'istio-vms': '', npx: 'shift\n' };
  for (const [name, first] of Object.entries(programs)) {
    const path = join(directory, name);
    await writeFile(path, `#!/bin/sh\n${first}exec '${process.execPath}' '${CLI}' "$@"\n`);
    await chmod(path, 0o755);
  }
}

/** Appends the system directories to PATH; the stand-ins come first, so no real tool is called. */
function withSystemTools({ cwd, env }: Parameters<typeof shell>[0]): Parameters<typeof shell>[0] {
  return { cwd, env: { ...env, PATH: `${env['PATH'] ?? ''}:/usr/bin:/bin` } };
}
