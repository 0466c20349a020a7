import { describe, expect, test } from 'vitest';
import {
  istioctlArtifact,
  k3sArtifact,
  k3sImagesArtifact,
  sidecarDebArtifact,
} from '../../../src/artifacts/artifacts.ts';
import { digestOf } from '../../../src/artifacts/checksum.ts';
import { load } from '../config/fixtures.ts';

const config = (flags: Record<string, string> = {}) => load({ flags }).config;

test.each([
  ['darwin', 'arm64', {}, 'osx-arm64'],
  ['darwin', 'amd64', {}, 'osx-amd64'],
  ['linux', 'arm64', {}, 'linux-arm64'],
  ['linux', 'amd64', {}, 'linux-amd64'],
  ['linux', 'amd64', { ISTIO_ARCH: 'linux-armv7' }, 'linux-armv7'],
] as const)('selects the istioctl archive for %s %s %j', (platform, cpu, flags, arch) => {
  const url = `https://github.com/istio/istio/releases/download/1.19.3/istioctl-1.19.3-${arch}.tar.gz`;
  const file = `istioctl-1.19.3-${arch}.tar.gz`;
  expect(istioctlArtifact(config(flags), { platform, cpu })).toEqual({
    id: 'istioctl',
    version: '1.19.3',
    url,
    file,
    digest: { publishedAt: `${url}.sha256`, line: file },
    mode: 0o644,
  });
});

test.each([
  ['amd64', 'istio-sidecar.deb'],
  ['arm64', 'istio-sidecar-arm64.deb'],
] as const)('selects the sidecar package for %s', (cpu, file) => {
  const url = `https://blob.istio.io/istio-release/releases/1.19.3/deb/${file}`;
  expect(sidecarDebArtifact(config(), cpu)).toMatchObject({
    url,
    file,
    digest: { publishedAt: `${url}.sha256`, line: file },
  });
});

describe('k3s', () => {
  const release = 'https://github.com/k3s-io/k3s/releases/download';

  test.each([
    ['amd64', 'k3s', 'sha256sum-amd64.txt'],
    ['arm64', 'k3s-arm64', 'sha256sum-arm64.txt'],
  ] as const)('selects the binary for %s', (cpu, file, sums) => {
    expect(k3sArtifact(config(), cpu)).toEqual({
      id: 'k3s',
      version: 'v1.28.15+k3s1',
      url: `${release}/v1.28.15%2Bk3s1/${file}`,
      file,
      digest: { publishedAt: `${release}/v1.28.15%2Bk3s1/${sums}`, line: file },
      mode: 0o755,
    });
  });

  test('selects the images archive in the form that k3s reads, with its digest from the same list', () => {
    expect(k3sImagesArtifact(config(), 'arm64')).toMatchObject({
      url: `${release}/v1.28.15%2Bk3s1/k3s-airgap-images-arm64.tar.zst`,
      digest: { line: 'k3s-airgap-images-arm64.tar.zst' },
    });
    expect(k3sImagesArtifact(config({ K3S_VERSION: 'v1.36.4+k3s1' }), 'amd64').digest).toEqual({
      pinned: '9024613e2d468c51ba0e5ba21898604c41339354449fb3338cc6a7931189eb6a',
    });
  });

  test('uses our pinned digest when there is one', () => {
    const pinned = k3sArtifact(config({ K3S_VERSION: 'v1.36.4+k3s1' }), 'arm64').digest;
    expect(pinned).toEqual({ pinned: 'c920706346d5ad4e5cd3c7bf1bb09ce71ebe07fec829e513e40f1caf98aed8bb' });
    expect(k3sArtifact(config({ K3S_VERSION: 'v1.36.5+k3s1' }), 'arm64').digest).toHaveProperty('publishedAt');
  });
});

test('replaces only the host when there is a mirror', () => {
  const mirrored = config({ ARTIFACTS_URL: 'https://mirror.example/lab/' });
  expect(k3sArtifact(mirrored, 'amd64')).toMatchObject({
    url: 'https://mirror.example/lab/k3s-io/k3s/releases/download/v1.28.15%2Bk3s1/k3s',
    digest: {
      publishedAt: 'https://mirror.example/lab/k3s-io/k3s/releases/download/v1.28.15%2Bk3s1/sha256sum-amd64.txt',
    },
  });
  expect(sidecarDebArtifact(mirrored, 'amd64').url).toBe(
    'https://mirror.example/lab/istio-release/releases/1.19.3/deb/istio-sidecar.deb',
  );
});

test('accepts a directory as the mirror, with the unescaped file names of the URLs', () => {
  expect(k3sArtifact(config({ ARTIFACTS_URL: 'file:///srv/lab' }), 'amd64').url).toBe(
    'file:///srv/lab/k3s-io/k3s/releases/download/v1.28.15%2Bk3s1/k3s',
  );
});

describe('checksum files', () => {
  const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];

  test.each([
    ['one space', `${a} istioctl.tar.gz\n`, 'istioctl.tar.gz', a],
    ['GNU list', `${b}  k3s-airgap-images-amd64.tar\n${a}  k3s\n`, 'k3s', a],
    ['binary mark, CRLF, upper case', `${a.toUpperCase()} *k3s\r\n`, 'k3s', a],
    ['a name with a directory', `${a}  dist/artifacts/k3s\n`, 'k3s', a],
    ['a bare digest', `${a}\n`, 'k3s', a],
    ['a name that only ends with the file name', `${a}  not-k3s\n`, 'k3s', undefined],
    ['a name that only begins with the file name', `${a}  k3s-arm64\n`, 'k3s', undefined],
    ['a bare digest among others', `${a}\n${b}  other\n`, 'k3s', undefined],
    ['a digest that is too short', `${'a'.repeat(63)}  k3s\n`, 'k3s', undefined],
    ['a sign-in page', '<html>Welcome to the airport</html>', 'k3s', undefined],
    ['an empty file', '', 'k3s', undefined],
  ])('give the digest of the file: %s', (_, text, file, digest) => {
    expect(digestOf(text, file)).toBe(digest);
  });
});
