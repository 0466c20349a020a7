import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { MeshPrograms } from '../programs.ts';

export const TARGET = fileURLToPath(new URL('../../../recordings', import.meta.url));
const INSIDE = fileURLToPath(new URL('inside.ts', import.meta.url));

/**
 * Records kubectl and istioctl of each line into test/recordings: an API server in namespaces of its own, and each error
 * provoked once. Recordings of other versions are left as they are.
 */
export async function recordPrograms(programs: MeshPrograms): Promise<void> {
  for (const index of programs.istio.keys()) {
    const directory = await mkdtemp(`${tmpdir()}/istio-vms-recordings-`);
    try {
      await mkdir(TARGET, { recursive: true });
      await writeFile(`${directory}/programs.json`, JSON.stringify(programs));
      const namespaces = ['--mount', '--net', '--uts', '--ipc', '--pid', '--fork', '--kill-child', '--mount-proc'];
      // A shell as first process of its namespace, since that one has to take in orphans, which Node does not.
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
