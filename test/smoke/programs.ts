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

/** Programs that run for this computer: its CLI, its stand-ins, and whatever those have started. */
export async function programsOf({ cwd }: Pick<Computer, 'cwd'>): Promise<string[]> {
  const place = cwd.replace(/\/lab$/, '/');
  const { stdout } = await run('/bin/ps', ['-axww', '-o', 'pid=,stat=,command='], { maxBuffer: 16 * 1024 * 1024 });
  const lines = stdout.split('\n').map((line) => line.trim());
  const ours = await Promise.all(
    lines.map(async (line) => line.includes(place) || (await directoryOf(line.split(' ')[0] ?? '')).startsWith(place)),
  );
  // What has ended and was not yet heard of is not there any more.
  return lines.filter((line, index) => ours[index] === true && !/^\d+\s+Z/.test(line));
}

/** Where a process stands, as far as the system tells; programs that were started there are there. */
async function directoryOf(pid: string): Promise<string> {
  return `${await readlink(`/proc/${pid}/cwd`).catch(() => '')}/`;
}

/**
 * Resolves when every stand-in that has been started has made its call. One that was started a moment ago may not have got
 * so far, and would be counted later as if it had been started since.
 */
export async function allHaveCalled({ cwd, env, calls }: Pick<Computer, 'cwd' | 'env' | 'calls'>): Promise<void> {
  const standIns = [`${env['PATH']}/`, `${cwd}/.bin/`];
  const isOnItsWay = (line: string): boolean =>
    standIns.some((place) => line.includes(place)) && !calls.some(({ pid }) => line.startsWith(`${pid} `));
  while ((await programsOf({ cwd })).some(isOnItsWay)) await sleep(20);
}

/** The programs that are still there after a moment in which they may end. */
export async function survivors(computer: Pick<Computer, 'cwd'>, withinMs = 2_000): Promise<string[]> {
  const until = performance.now() + withinMs;
  for (;;) {
    const there = await programsOf(computer);
    if (there.length === 0 || performance.now() > until) return there;
    await sleep(50);
  }
}

/** A tool that never ends by itself, does not heed polite signals, and has a child that is no better. */
export async function installStubborn({ env, cwd }: Pick<Computer, 'env' | 'cwd'>, tool: Tool): Promise<void> {
  const path = join(env['PATH'] ?? '', tool);
  await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' '${STUBBORN}' '${cwd}' "$@"\n`);
  await chmod(path, 0o755);
}

/** A tool whose API refuses every connection. Its second call leaves the file `refused-2` in the working directory. */
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
