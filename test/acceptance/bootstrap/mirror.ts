import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { currentHost } from '../../../src/system/host.ts';
import type { Cpu } from '../../../src/system/doors.ts';

const BUILD = fileURLToPath(new URL('package/build.sh', import.meta.url));

/** What ARTIFACTS_URL names: the sidecar's package below its original path, with its checksum file. */
export interface Mirror {
  readonly url: string;
  /** A package for this CPU, under the name of this computer's own. */
  readonly publish: (madeFor?: Cpu) => Promise<void>;
  /** Nothing is published any more. */
  readonly withdraw: () => Promise<void>;
  /** The package as a file. */
  readonly deb: string;
}

export async function createMirror(directory: string, version: string): Promise<Mirror> {
  const { cpu } = currentHost();
  const at = join(directory, 'istio-release', 'releases', version, 'deb');
  const file = cpu === 'amd64' ? 'istio-sidecar.deb' : `istio-sidecar-${cpu}.deb`;
  const deb = join(at, file);
  const publish = async (madeFor: Cpu = cpu): Promise<void> => {
    await mkdir(at, { recursive: true });
    await execa(BUILD, [version, madeFor, deb], { stdin: 'ignore' });
    const digest = createHash('sha256').update(await readFile(deb)).digest('hex');
    await writeFile(`${deb}.sha256`, `${digest} ${file}\n`);
  };
  await publish();
  return { url: pathToFileURL(directory).href, publish, withdraw: () => rm(at, { recursive: true, force: true }), deb };
}
