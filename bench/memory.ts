import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';

/** Writes the peak memory of the process to file descriptor 3 when it exits. */
const WATCH = `data:text/javascript,import{writeSync}from'node:fs';process.on('exit',()=>writeSync(3,String(process.resourceUsage().maxRSS)))`;

/** Peak resident memory of the built program in a rehearsal of `up` with this number of workers, in KiB. */
export function peakMemory(workers: number): number {
  const args = ['up', '--rehearse', '--skip-verify', '--quiet', '--set', `WORKERS=${workers}`, '--set', 'LAUNCHES=8'];
  const { status, output, stderr } = spawnSync(
    process.execPath,
    ['--import', WATCH, resolve('dist/main.js'), ...args],
    {
      cwd: tmpdir(),
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      timeout: 300_000,
    },
  );
  if (status !== 0) throw new Error(`up with ${workers} workers ended with ${String(status)}: ${stderr}`);
  return Number(output[3]);
}
