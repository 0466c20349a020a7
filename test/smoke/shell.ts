import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { CLI, type Computer } from './computer.ts';

/** Runs a shell script in the computer's working directory; `$0` is Node, `$1` the CLI. */
export async function shell(
  { cwd, env }: Pick<Computer, 'cwd' | 'env'>,
  program: string,
): Promise<{ stdout: string; stderr: string; exitCode: number | null }> {
  const child = spawn('/bin/sh', ['-c', program, process.execPath, CLI], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { stdout, stderr, exitCode: exitCode as number | null };
}
