import { execFile } from 'node:child_process';
import { chmod, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Computer } from './computer.ts';
import type { Tool } from './stand-ins.ts';

const run = promisify(execFile);
const STUBBORN = fileURLToPath(new URL('stubborn.mjs', import.meta.url));

/** Processes of this computer: the CLI, the stand-ins, and their children. */
export async function programsOf({ cwd }: Pick<Computer, 'cwd'>): Promise<string[]> {
  const directory = cwd.replace(/\/lab$/, '/');
  const { stdout } = await run('/bin/ps', ['-axww', '-o', 'pid=,stat=,command='], { maxBuffer: 16 * 1024 * 1024 });
  const lines = stdout.split('\n').map((line) => line.trim());
  const ours = await Promise.all(
    lines.map(
      async (line) => line.includes(directory) || (await directoryOf(line.split(' ')[0] ?? '')).startsWith(directory),
    ),
  );
  // A zombie has ended; its parent has not read its exit code yet.
  return lines.filter((line, index) => ours[index] === true && !/^\d+\s+Z/.test(line));
}

/** The working directory of a process; `/` where the system does not tell it. */
async function directoryOf(pid: string): Promise<string> {
  return `${await readlink(`/proc/${pid}/cwd`).catch(() => '')}/`;
}

/**
 * Resolves when every running stand-in has made its call. Otherwise a test that counts calls afterwards would count one
 * that was started before.
 */
export async function allHaveCalled({ cwd, env, calls }: Pick<Computer, 'cwd' | 'env' | 'calls'>): Promise<void> {
  const standIns = [`${env['PATH']}/`, `${cwd}/.bin/`];
  const hasNotCalled = (line: string): boolean =>
    standIns.some((place) => line.includes(place)) && !calls.some(({ pid }) => line.startsWith(`${pid} `));
  while ((await programsOf({ cwd })).some(hasNotCalled)) await sleep(20);
}

/** The processes that still run after the given time. */
export async function survivors(computer: Pick<Computer, 'cwd'>, withinMs = 2_000): Promise<string[]> {
  const until = performance.now() + withinMs;
  for (;;) {
    const running = await programsOf(computer);
    if (running.length === 0 || performance.now() > until) return running;
    await sleep(50);
  }
}

/** Installs a tool that never ends, ignores SIGINT, SIGTERM and SIGHUP, and has a child that does the same. */
export async function installStubborn({ env, cwd }: Pick<Computer, 'env' | 'cwd'>, tool: Tool): Promise<void> {
  const path = join(env['PATH'] ?? '', tool);
  await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' '${STUBBORN}' '${cwd}' "$@"\n`);
  await chmod(path, 0o755);
}

/** Installs a tool whose API server refuses every connection. Its second call leaves the file `refused-2` in the working directory. */
export async function installRefusing({ env, cwd }: Pick<Computer, 'env' | 'cwd'>, tool: Tool): Promise<void> {
  const path = join(env['PATH'] ?? '', tool);
  const version = JSON.stringify({ clientVersion: { gitVersion: 'v1.31.0' } });
  await writeFile(
    path,
    `#!/bin/sh
case "$*" in *--client*) echo '${version}'; exit 0 ;; esac
[ ! -e '${cwd}/refused-1' ] || : >'${cwd}/refused-2'
: >'${cwd}/refused-1'
echo 'The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?' >&2
exit 1
`,
  );
  await chmod(path, 0o755);
}
