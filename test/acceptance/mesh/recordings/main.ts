import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { MeshPrograms } from '../programs.ts';

export const TARGET = fileURLToPath(new URL('../../../recordings', import.meta.url));
const INSIDE = fileURLToPath(new URL('inside.ts', import.meta.url));

/**
 * Records kubectl and istioctl of each line into test/recordings, with an API server in new namespaces. Recordings of other
 * versions stay.
 */
export async function recordPrograms(programs: MeshPrograms): Promise<void> {
  for (const index of programs.istio.keys()) {
    const directory = await mkdtemp(`${tmpdir()}/istio-vms-recordings-`);
    try {
      await mkdir(TARGET, { recursive: true });
      await writeFile(`${directory}/programs.json`, JSON.stringify(programs));
      const namespaces = ['--mount', '--net', '--uts', '--ipc', '--pid', '--fork', '--kill-child', '--mount-proc'];
      // The first process of a PID namespace must reap orphans, which a shell does and Node does not.
      const shell = ['sh', '-c', '"$@"; exit $?', 'sh'];
      const node = [process.execPath, ...process.execArgv, INSIDE, directory, TARGET, String(index)];
      await execa('unshare', [...namespaces, ...shell, ...node], {
        stdin: 'pipe',
        stdout: 'inherit',
        stderr: 'inherit',
      });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
}
