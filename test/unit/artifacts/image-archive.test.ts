import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { createFixture } from 'fs-fixture';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packImages, readImages } from '../../../src/artifacts/image-archive.ts';
import { fullImageName } from '../../../src/artifacts/images.ts';
import { unpackTar } from '../../../src/system/archives.ts';
import { createFiles } from '../../../src/system/files.ts';
import { readFileSync } from 'node:fs';

type Part = readonly [name: string, content: string] | { readonly name: string; readonly link: string };

async function tarOf(parts: readonly Part[]): Promise<Buffer> {
  const tar = pack();
  for (const part of parts) {
    if ('link' in part) tar.entry({ name: part.name, type: 'symlink', linkname: part.link });
    else tar.entry({ name: part[0], mtime: new Date() }, part[1]);
  }
  tar.finalize();
  return buffer(tar);
}

const config = (cpu: string): string => JSON.stringify({ architecture: cpu, os: 'linux' });
const list = (tags: string[] | null, configName: string, layers: string[]): string =>
  JSON.stringify([{ Config: configName, RepoTags: tags, Layers: layers }]);

/** As docker 25 and later saves them: blobs named by digest, short image names. */
const NEW_DOCKER = (tag: string, layer: string): Part[] => [
  ['blobs/sha256/aa', config('amd64')],
  ['blobs/sha256/bb', 'BASE LAYER'],
  ['blobs/sha256/cc', layer],
  ['index.json', '{}'],
  ['manifest.json', list([tag], 'blobs/sha256/aa', ['blobs/sha256/bb', 'blobs/sha256/cc'])],
  ['oci-layout', '{}'],
];
/** As earlier docker versions save them: a repeated layer is a symbolic link. */
const OLD_DOCKER = (tag: string, layer: string): Part[] => [
  ['one/layer.tar', 'BASE LAYER'],
  { name: 'two/layer.tar', link: '../one/layer.tar' },
  ['three/layer.tar', layer],
  ['abc.json', config('amd64')],
  ['manifest.json', list([tag], 'abc.json', ['two/layer.tar', 'three/layer.tar'])],
  ['repositories', '{}'],
];
/** As podman saves them: full image names. */
const PODMAN = (tag: string, layer: string): Part[] => [
  ['x.tar', 'BASE LAYER'],
  ['y.tar', layer],
  ['z.json', config('amd64')],
  ['manifest.json', list([fullImageName(tag)], 'z.json', ['x.tar', 'y.tar'])],
];

describe('archives of container images', () => {
  const files = createFiles();
  let fixture: Awaited<ReturnType<typeof createFixture>>;
  const at = (path: string): string => fixture.getPath(path);
  beforeEach(async () => void (fixture = await createFixture({})));
  afterEach(() => fixture.rm());

  const save = async (name: string, parts: readonly Part[], gzip = false): Promise<string> => {
    const tar = await tarOf(parts);
    await fixture.writeFile(name, gzip ? gzipSync(tar) : tar);
    return at(name);
  };
  const read = (path: string) => readImages(path, at('work'), files);

  it.each([
    ['docker 25', NEW_DOCKER, false],
    ['docker before 25', OLD_DOCKER, false],
    ['podman', PODMAN, true],
  ] as const)('of %s list images with full names, CPU and layers', async (_, form, gzip) => {
    const images = await read(await save('a.tar', form('istio/pilot:1.19.3', 'PILOT'), gzip));
    expect(images).toHaveLength(1);
    expect(images[0]).toMatchObject({ names: ['docker.io/istio/pilot:1.19.3'], cpu: 'amd64' });
    expect(images[0]?.layers).toHaveLength(2);
  });

  it('are merged into the same bytes for every tool that saved them, with each shared layer once', async () => {
    const bytes: Buffer[] = [];
    for (const form of [NEW_DOCKER, OLD_DOCKER, PODMAN]) {
      const pilot = await read(await save('p.tar', form('istio/pilot:1.19.3', 'PILOT')));
      const proxy = await read(await save('q.tar', form('istio/proxyv2:1.19.3', 'PROXY')));
      const images = bytes.length === 1 ? [...proxy, ...pilot] : [...pilot, ...proxy];
      const names = await packImages(images, { cpu: 'amd64', into: at('all.tar'), work: at('content') }, files);
      expect(names).toEqual(['docker.io/istio/pilot:1.19.3', 'docker.io/istio/proxyv2:1.19.3']);
      bytes.push(readFileSync(at('all.tar')));
    }
    expect(bytes.every((each) => each.equals(bytes[0] ?? Buffer.alloc(0)))).toBe(true);
    const contents = [...(await unpackTar(bytes[0] ?? Buffer.alloc(0))).values()].map(({ content }) =>
      Buffer.from(content).toString(),
    );
    expect(contents.filter((content) => content.includes('LAYER') || /^P/.test(content)).sort()).toEqual(
      ['BASE LAYER', 'PILOT', 'PROXY'].sort(),
    );
    // The merged archive can be read in turn.
    expect((await read(at('all.tar'))).map(({ names }) => names)).toEqual([
      ['docker.io/istio/pilot:1.19.3'],
      ['docker.io/istio/proxyv2:1.19.3'],
    ]);
  });

  it('are reduced to images of the requested CPU', async () => {
    const arm = PODMAN('a/b:1', 'X').map((part) =>
      'link' in part || part[0] !== 'z.json' ? part : (['z.json', config('arm64')] as const),
    );
    const images = await read(await save('a.tar', arm));
    expect(await packImages(images, { cpu: 'amd64', into: at('o.tar'), work: at('w') }, files)).toEqual([]);
    expect(await packImages(images, { cpu: 'arm64', into: at('o.tar'), work: at('w') }, files)).toEqual([
      'docker.io/a/b:1',
    ]);
  });

  it.each([
    ['a file that is not a tar', async () => Buffer.from('no tar at all')],
    ['a tar without images', () => tarOf([['readme', 'hello']])],
    [
      'an archive that lacks a layer',
      () => tarOf(PODMAN('a/b:1', 'X').filter((part) => !('link' in part) && part[0] !== 'x.tar')),
    ],
    [
      'a cycle of links',
      () => tarOf([...OLD_DOCKER('a/b:1', 'X').slice(1), { name: 'one/layer.tar', link: '../two/layer.tar' }]),
    ],
  ])('are refused with their file name: %s', async (_, make) => {
    await fixture.writeFile('odd.tar', await make());
    await expect(read(at('odd.tar'))).rejects.toMatchObject({
      reason: 'artifact-not-found',
      message: expect.stringContaining('odd.tar') as string,
    });
  });
});

describe('fullImageName', () => {
  it.each([
    ['istio/pilot:1.19.3', 'docker.io/istio/pilot:1.19.3'],
    ['busybox', 'docker.io/library/busybox:latest'],
    ['registry.istio.io/release/pilot:1.30.3', 'registry.istio.io/release/pilot:1.30.3'],
    ['localhost/a', 'localhost/a:latest'],
    ['host:5000/a/b', 'host:5000/a/b:latest'],
    ['a/b@sha256:00', 'docker.io/a/b@sha256:00'],
  ])('expands %s to %s', (short, full) => expect(fullImageName(short)).toBe(full));
});
