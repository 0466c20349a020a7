import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { createFixture } from 'fs-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Artifact } from '../../../src/artifacts/artifacts.ts';
import { noDownloads, openBundle, type Bundle } from '../../../src/artifacts/bundle.ts';
import {
  contentPath,
  MANIFEST,
  MANIFEST_SUM,
  renderManifest,
  requireFitting,
  type BundleManifest,
} from '../../../src/artifacts/bundle-manifest.ts';
import type { TarMember } from '../../../src/system/system.ts';
import { createFiles } from '../../../src/system/files.ts';
import { load } from '../config/fixtures.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const K3S = 'the k3s binary '.repeat(10_000);
const IMAGES = 'images '.repeat(20_000);

const manifest: BundleManifest = {
  format: 1,
  istio: '1.19.3',
  k3s: 'v1.28.15+k3s1',
  cpus: ['amd64'],
  files: [{ id: 'k3s', version: 'v1.28.15+k3s1', file: 'k3s', mode: 0o755, sha256: sha256(K3S), size: K3S.length }],
  images: [
    { cpu: 'amd64', file: 'images.tar', names: ['docker.io/a/b:1'], sha256: sha256(IMAGES), size: IMAGES.length },
  ],
};
const artifact: Artifact = {
  id: 'k3s',
  version: 'v1.28.15+k3s1',
  url: 'https://a.example/k3s',
  file: 'k3s',
  digest: { publishedAt: 'https://a.example/sums', line: 'k3s' },
  mode: 0o755,
};

/** The members of a valid bundle; tests replace some of them. */
function members(text = renderManifest(manifest)): TarMember[] {
  const [file, images] = [manifest.files[0], manifest.images[0]];
  if (file === undefined || images === undefined) throw new Error('a manifest without content');
  return [
    { name: MANIFEST, content: text, mode: 0o644 },
    { name: MANIFEST_SUM, content: `${sha256(text)}  ${MANIFEST}\n`, mode: 0o644 },
    { name: contentPath(file), content: K3S, mode: 0o644 },
    { name: contentPath(images), content: IMAGES, mode: 0o644 },
  ];
}

describe('a bundle', () => {
  const files = createFiles();
  let fixture: Awaited<ReturnType<typeof createFixture>>;
  const at = (path: string): string => fixture.getPath(path);
  const open = (): Promise<Bundle> => openBundle(at('lab.tar'), { files, cacheDir: at('cache'), tempDir: at('temp') });
  beforeEach(async () => {
    fixture = await createFixture({});
    await files.pack(at('lab.tar'), members());
  });
  afterEach(() => fixture.rm());

  it('is read, verified against its manifest and unpacked into the cache', async () => {
    const bundle = await open();
    expect(bundle.manifest).toEqual(manifest);
    expect(await files.list(at('temp'))).toEqual([]);
    const missing = await bundle.verify();
    expect(missing.map(({ file }) => file)).toEqual(['k3s', 'images.tar']);
    await bundle.unpack(missing);
    const path = at(`cache/sha256/${sha256(K3S)}/k3s`);
    expect(readFileSync(path, 'utf8')).toBe(K3S);
    expect(statSync(path).mode & 0o777).toBe(0o755);
    expect(bundle.images('amd64').map(({ path: where }) => readFileSync(where, 'utf8'))).toEqual([IMAGES]);
    expect(bundle.images('arm64')).toEqual([]);
    expect(await bundle.verify()).toEqual([]);
    // A file that is damaged in the cache is unpacked from the bundle again.
    writeFileSync(path, 'damaged');
    expect((await bundle.verify()).map(({ file }) => file)).toEqual(['k3s']);
  });

  it('may be gzipped', async () => {
    writeFileSync(at('lab.tar'), gzipSync(readFileSync(at('lab.tar'))));
    expect(await (await open()).verify()).toHaveLength(2);
  });

  it('gives an artifact its digest and reports what it does not contain', async () => {
    const bundle = await open();
    expect(bundle.pin(artifact).digest).toEqual({ pinned: sha256(K3S) });
    expect(() => bundle.pin({ ...artifact, file: 'k3s-arm64' })).toThrow(/k3s-arm64 .* it was created for amd64/);
    const hintFor = (more: Partial<typeof artifact>): string => {
      try {
        bundle.pin({ ...artifact, ...more });
      } catch (thrown) {
        return (thrown as { facts: { hint: string } }).facts.hint;
      }
      return '';
    };
    const istioctlHint = (name: string) => hintFor({ id: 'istioctl', file: `istioctl-1.19.3-${name}.tar.gz` });
    expect(hintFor({ file: 'k3s-arm64' })).toContain('`istio-vms bundle create --cpu both`');
    expect(istioctlHint('osx-amd64')).toContain('`istio-vms bundle create --istioctl osx-amd64`');
    expect(istioctlHint('linux-arm64')).toContain('`istio-vms bundle create --cpu both`');
    // A digest that the program pins takes precedence over the bundle.
    expect(() => bundle.pin({ ...artifact, digest: { pinned: '0'.repeat(64) } })).toThrow(
      expect.objectContaining({ reason: 'digest-mismatch' }) as Error,
    );
    await expect(noDownloads(bundle).text('https://a.example/sums')).rejects.toMatchObject({
      reason: 'artifact-not-found',
    });
  });

  it.each([
    [
      'a file',
      (all: TarMember[]) => all.map((one) => (one.content === K3S ? { ...one, content: `${K3S}x` } : one)),
      'k3s in',
    ],
    [
      'images',
      (all: TarMember[]) => all.map((one) => (one.content === IMAGES ? { ...one, content: 'x' } : one)),
      'images.tar in',
    ],
    ['a missing file', (all: TarMember[]) => all.filter(({ content }) => content !== K3S), 'k3s in'],
    ['an extra file', (all: TarMember[]) => [...all, { name: 'evil', content: '', mode: 0o644 }], 'evil in'],
  ])('is refused, with the name of the changed part, when it was tampered with: %s', async (_, change, message) => {
    await files.pack(at('lab.tar'), change(members()));
    const bundle = await open();
    await expect(bundle.verify()).rejects.toMatchObject({
      reason: 'digest-mismatch',
      exitCode: 5,
      message: expect.stringContaining(message) as string,
    });
    expect(await files.list(at('cache'))).toEqual([]);
  });

  it('is refused when any byte of a file was changed, even when the cache has the right file', async () => {
    const bundle = await open();
    await bundle.unpack(await bundle.verify());
    const bytes = readFileSync(at('lab.tar'));
    bytes[bytes.indexOf('the k3s binary') + 70_000]! ^= 1;
    writeFileSync(at('lab.tar'), bytes);
    await expect((await open()).verify()).rejects.toMatchObject({
      message: expect.stringMatching(/^k3s in/) as string,
    });
  });

  it.each([
    [
      'was changed',
      () =>
        members().with(0, { name: MANIFEST, content: renderManifest({ ...manifest, istio: '1.20.0' }), mode: 0o644 }),
    ],
    ['has an unknown format', () => members(JSON.stringify({ ...manifest, format: 2 }))],
    ['has a path in a file name', () => members(JSON.stringify(manifest).replace('"file":"k3s"', '"file":"../k3s"'))],
    ['is missing', () => members().slice(2)],
  ])('is refused when its manifest %s', async (_, make) => {
    await files.pack(at('lab.tar'), make());
    await expect(open()).rejects.toMatchObject({ reason: 'digest-mismatch' });
  });

  it('is refused when it is truncated or not a bundle', async () => {
    const whole = readFileSync(at('lab.tar'));
    writeFileSync(at('lab.tar'), whole.subarray(0, whole.length / 2));
    await expect((await open()).verify()).rejects.toMatchObject({ reason: 'digest-mismatch' });
    writeFileSync(at('lab.tar'), '<html>sign in</html>');
    await expect(open()).rejects.toMatchObject({ reason: 'digest-mismatch' });
    await files.remove(at('lab.tar'));
    await expect(open()).rejects.toMatchObject({ reason: 'invalid-configuration', exitCode: 3 });
  });

  it('reports which versions it contains when the configuration needs others', () => {
    const config = (flags: Record<string, string>) => load({ flags }).config;
    expect(() => requireFitting(manifest, config({}), 'lab.tar')).not.toThrow();
    expect(() => requireFitting(manifest, config({ ISTIO_VERSION: '1.20.0' }), 'lab.tar')).toThrow(
      expect.objectContaining({
        reason: 'invalid-configuration',
        facts: expect.objectContaining({
          details: [
            'ISTIO_VERSION is 1.20.0, the bundle contains 1.19.3',
            'K3S_VERSION is v1.29.15+k3s1, the bundle contains v1.28.15+k3s1',
          ],
        }) as unknown,
      }) as Error,
    );
  });
});
