import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { istioRow } from '../config/versions.ts';
import { packTar } from '../system/archives.ts';
import type { ShippedData } from '../system/shipped.ts';
import { digestOf, K3S_IMAGES, standInBytes } from './stand-in.ts';

/** What a server returns for a path. */
export interface ServedArtifact {
  /** The stand-in's own bytes. */
  readonly bytes: Uint8Array;
  /** Size of the real artifact in bytes, which determines the transfer time. */
  readonly size: number;
  /** SHA-256 that publishers state for it. */
  readonly digest: string;
}

/** Finds the artifact that the release servers have at a URL's path; undefined where they answer 404. */
export type ArtifactAt = (path: string) => Promise<ServedArtifact | undefined>;

/** Bytes of the real artifacts: docs/facts/k3s.md 1.1 and docs/facts/figures.md 1; istioctl's is an estimate. */
const SIZES = { istioctl: 26_000_000, k3s: 79_000_000, k3sImages: 193_000_000, sidecar: 38_800_000 };

const ISTIOCTL =
  /\/istio\/istio\/releases\/download\/([^/]+)\/istioctl-([^/]+?)-((?:linux|osx)-[a-z0-9]+|osx)\.tar\.gz(\.sha256)?$/;
const ISTIOCTL_BUCKET =
  /\/istio-release\/releases\/([^/]+)\/istioctl-([^/]+?)-((?:linux|osx)-[a-z0-9]+|osx)\.tar\.gz(\.sha256)?$/;
const SIDECAR = /\/istio-release\/releases\/([^/]+)\/deb\/(istio-sidecar(?:-arm64)?\.deb)(\.sha256)?$/;
const K3S = /\/k3s-io\/k3s\/releases\/download\/([^/]+)\/(k3s|k3s-arm64|k3s-airgap-images-(?:amd64|arm64)\.tar\.zst)$/;
const K3S_SUMS = /\/k3s-io\/k3s\/releases\/download\/([^/]+)\/sha256sum-(amd64|arm64)\.txt$/;

/**
 * CPU names for which istioctl is released (docs/facts/istio-vm.md 1.1); `osx` alone is an older name of `osx-amd64`.
 */
const ISTIOCTL_BUILDS = new Set(['linux-amd64', 'linux-arm64', 'linux-armv7', 'osx-amd64', 'osx-arm64', 'osx']);
const K3S_VERSION = /^v1\.\d+\.\d+\+k3s\d+$/;

/**
 * The layout of the release servers (docs/facts/istio-vm.md 1.1-1.3, docs/facts/k3s.md 1.1). Paths are matched from
 * their end, so a mirror that keeps the original path works the same.
 */
export function releaseServers(shipped: ShippedData): ArtifactAt {
  const istioKnown = (version: string): boolean =>
    /^\d+\.\d+\.\d+$/.test(version) && istioRow(version, shipped.versions) !== undefined;

  return async (path) => {
    const istioctl = ISTIOCTL.exec(path) ?? ISTIOCTL_BUCKET.exec(path);
    if (istioctl !== null) {
      const [, version = '', named, build = '', sum] = istioctl;
      if (version !== named || !istioKnown(version) || !ISTIOCTL_BUILDS.has(build)) return undefined;
      const content = standInBytes({ artifact: 'istioctl', version, cpu: build });
      const bytes = gzipSync(await packTar([{ name: 'istioctl', content, mode: 0o755 }]));
      const served = { bytes, size: SIZES.istioctl, digest: plainDigest(bytes) };
      return sum === undefined ? served : sumFile(`${served.digest} istioctl-${version}-${build}.tar.gz\n`);
    }
    const sidecar = SIDECAR.exec(path);
    if (sidecar !== null) {
      const [, version = '', file = '', sum] = sidecar;
      if (!istioKnown(version)) return undefined;
      const cpu = file.includes('arm64') ? 'arm64' : 'amd64';
      const bytes = standInBytes({ artifact: 'istio-sidecar', version, cpu, size: SIZES.sidecar });
      return sum === undefined
        ? { bytes, size: SIZES.sidecar, digest: plainDigest(bytes) }
        : sumFile(`${plainDigest(bytes)} ${file}\n`);
    }
    const k3s = K3S.exec(path);
    if (k3s !== null) return k3sFile(shipped, decodeURIComponent(k3s[1] ?? ''), k3s[2] ?? '');
    const sums = K3S_SUMS.exec(path);
    if (sums !== null) return k3sSums(shipped, decodeURIComponent(sums[1] ?? ''), sums[2] ?? '');
    return undefined;
  };
}

function k3sFile(shipped: ShippedData, version: string, file: string): ServedArtifact | undefined {
  if (!K3S_VERSION.test(version)) return undefined;
  const pinned = shipped.versions.digests.k3s[version]?.[file];
  const images = file.startsWith('k3s-airgap-images');
  const size = images ? SIZES.k3sImages : SIZES.k3s;
  const bytes = standInBytes({
    artifact: images ? K3S_IMAGES : 'k3s',
    version,
    cpu: file.includes('arm64') ? 'arm64' : 'amd64',
    size,
    ...(pinned === undefined ? {} : { digest: pinned }),
  });
  return { bytes, size, digest: digestOf(bytes) };
}

/**
 * GNU checksum format, with the lines of the other image tars, so that a careless search for `k3s` finds one of them.
 */
function k3sSums(shipped: ShippedData, version: string, cpu: string): ServedArtifact | undefined {
  const names = [`k3s-airgap-images-${cpu}.tar.zst`, cpu === 'amd64' ? 'k3s' : `k3s-${cpu}`];
  const served = names.map((name) => [k3sFile(shipped, version, name)?.digest, name] as const);
  if (served.some(([digest]) => digest === undefined)) return undefined;
  const others = ['.tar', '.tar.gz'].map((ending) => {
    const name = `k3s-airgap-images-${cpu}${ending}`;
    return [plainDigest(Buffer.from(`${version} ${name}`)), name] as const;
  });
  return sumFile([...others, ...served].map(([digest, name]) => `${digest}  ${name}\n`).join(''));
}

function sumFile(text: string): ServedArtifact {
  const bytes = Buffer.from(text);
  return { bytes, size: bytes.length, digest: plainDigest(bytes) };
}

function plainDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
