import { obtain } from '../../../src/artifacts/obtain.ts';
import { createRealSystem } from '../../../src/system/index.ts';

/** A separate process that obtains one file into a cache and prints its path. argv: URL SHA256 CACHE */
const [url = '', sha256 = '', cacheDir = ''] = process.argv.slice(2);
const artifact = { id: 'k3s', version: 'v1', url, file: 'k3s', digest: { pinned: sha256 }, mode: 0o755 };
void obtain({ artifact, system: createRealSystem(), say: () => undefined, cacheDir }).then((path) =>
  process.stdout.write(path),
);
