import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { currentHost } from '../../../src/system/host.ts';
import type { Cpu } from '../../../src/system/system.ts';

const BUILD = fileURLToPath(new URL('package/build.sh', import.meta.url));

/** Content of ARTIFACTS_URL: the sidecar's package below its original path, with its checksum file. */
export interface Mirror {
  readonly url: string;
  /** Publishes another package under the same name and removes the previous one from the cache. */
  readonly publish: (changes?: { readonly architecture?: Cpu; readonly dependsOn?: string }) => Promise<void>;
  /** Removes the package from the mirror and from the cache. */
  readonly unpublish: () => Promise<void>;
  /** Path of the tar with the file system of a proxyv2 image, which `publishImage` creates. */
  readonly image: string;
  readonly publishImage: () => Promise<void>;
}

export async function createMirror(directory: string, cache: string, version: string): Promise<Mirror> {
  const { cpu } = currentHost();
  const at = join(directory, 'istio-release', 'releases', version, 'deb');
  const file = cpu === 'amd64' ? 'istio-sidecar.deb' : `istio-sidecar-${cpu}.deb`;
  const deb = join(at, file);
  const unpublish = async (): Promise<void> => {
    for (const path of [at, cache]) await rm(path, { recursive: true, force: true });
  };
  const publish: Mirror['publish'] = async ({ architecture = cpu, dependsOn } = {}) => {
    await unpublish();
    await mkdir(at, { recursive: true });
    await execa(BUILD, [version, architecture, deb, ...(dependsOn === undefined ? [] : [dependsOn])], {
      stdin: 'ignore',
    });
    const digest = createHash('sha256')
      .update(await readFile(deb))
      .digest('hex');
    await writeFile(`${deb}.sha256`, `${digest} ${file}\n`);
  };
  await publish();
  const image = join(directory, 'proxyv2.tar');
  const publishImage = async (): Promise<void> => {
    const built = join(directory, 'proxyv2.deb');
    await execa(BUILD, [version, cpu, built], { stdin: 'ignore' });
    await execa('dpkg-deb', ['--fsys-tarfile', built], { stdin: 'ignore', stdout: { file: image } });
  };
  return { url: pathToFileURL(directory).href, publish, unpublish, image, publishImage };
}
