import type { Config } from '../config/config.ts';
import type { Cpu, Host, Platform } from '../system/system.ts';

/** Where the expected SHA-256 comes from: pinned in our source, or a checksum file next to the artifact. */
type Digest = { readonly pinned: string } | { readonly publishedAt: string; readonly line: string };

/** A description of something to download. */
export interface Artifact {
  /** The name shown to users, e.g. `istioctl`. */
  readonly id: string;
  readonly version: string;
  readonly url: string;
  /** File name in the cache. */
  readonly file: string;
  readonly digest: Digest;
  /** Permission bits in the cache. */
  readonly mode: number;
}

const GITHUB = 'https://github.com';
/**
 * This host has every version; the previous one (storage.googleapis.com) closes in December 2026
 * (docs/facts/istio-vm.md 1.2).
 */
const ISTIO_RELEASES = 'https://blob.istio.io/istio-release/releases';

/** Istio uses `osx` for `darwin` (docs/facts/istio-vm.md 1.1). */
const ISTIO_PLATFORM: Record<Platform, string> = { darwin: 'osx', linux: 'linux' };

/** istioctl for this computer, or the build in `ISTIO_ARCH`: a gzipped tar that contains only `istioctl`. */
export function istioctlArtifact(config: Config, host: Pick<Host, 'platform' | 'cpu'>): Artifact {
  return istioctlBuild(config, istioctlBuildOf(config, host));
}

/** The istioctl build for this computer, e.g. `linux-amd64`. */
export function istioctlBuildOf({ istio }: Config, { platform, cpu }: Pick<Host, 'platform' | 'cpu'>): string {
  return istio.arch ?? `${ISTIO_PLATFORM[platform]}-${cpu}`;
}

function istioctlBuild(config: Config, arch: string): Artifact {
  const { version } = config.istio;
  const file = `istioctl-${version}-${arch}.tar.gz`;
  return istioArtifact(config, 'istioctl', `${GITHUB}/istio/istio/releases/download/${version}/${file}`, file);
}

/** The sidecar's package for a workload VM; the plain name is the amd64 one (docs/facts/istio-vm.md 1.3). */
export function sidecarDebArtifact(config: Config, cpu: Cpu): Artifact {
  const file = cpu === 'amd64' ? 'istio-sidecar.deb' : `istio-sidecar-${cpu}.deb`;
  return istioArtifact(config, 'istio-sidecar', `${ISTIO_RELEASES}/${config.istio.version}/deb/${file}`, file);
}

/** The k3s binary, the same for server and agent; the plain name is the amd64 one (docs/facts/k3s.md 1.1). */
export function k3sArtifact(config: Config, cpu: Cpu): Artifact {
  return k3sRelease(config, cpu, { id: 'k3s', file: cpu === 'amd64' ? 'k3s' : `k3s-${cpu}`, mode: 0o755 });
}

/**
 * The images of k3s' own components, for nodes without a network; k3s imports them itself (docs/facts/k3s.md 1.1 and
 * 6).
 */
export function k3sImagesArtifact(config: Config, cpu: Cpu): Artifact {
  return k3sRelease(config, cpu, { id: 'k3s-images', file: `k3s-airgap-images-${cpu}.tar.zst`, mode: 0o644 });
}

/**
 * Every file that a lab on machines with these CPUs may need. istioctl is included in the given builds, else in the one
 * of `ISTIO_ARCH`, else for each operating system with these CPUs.
 */
export function labArtifacts(
  config: Config,
  { cpus, istioctl = [] }: { readonly cpus: readonly Cpu[]; readonly istioctl?: readonly string[] | undefined },
): readonly Artifact[] {
  const { arch } = config.istio;
  const usual = cpus.flatMap((cpu) => Object.values(ISTIO_PLATFORM).map((platform) => `${platform}-${cpu}`));
  const builds = istioctl.length > 0 ? [...new Set(istioctl)] : arch === undefined ? usual : [arch];
  return [
    ...builds.map((build) => istioctlBuild(config, build)),
    ...cpus.flatMap((cpu) => [
      k3sArtifact(config, cpu),
      k3sImagesArtifact(config, cpu),
      sidecarDebArtifact(config, cpu),
    ]),
  ];
}

/** A file of a k3s release; each CPU has one checksum list for all of its files. */
function k3sRelease(config: Config, cpu: Cpu, { id, file, mode }: Pick<Artifact, 'id' | 'file' | 'mode'>): Artifact {
  const { version, digests } = config.k3s;
  const release = `${GITHUB}/k3s-io/k3s/releases/download/${encodeURIComponent(version)}`;
  const pinned = digests?.[file];
  return {
    id,
    version,
    url: mirrored(`${release}/${file}`, config.artifactsUrl),
    file,
    digest:
      pinned === undefined
        ? { publishedAt: mirrored(`${release}/sha256sum-${cpu}.txt`, config.artifactsUrl), line: file }
        : { pinned },
    mode,
  };
}

/** Every Istio release file has its `.sha256` next to it (docs/facts/istio-vm.md 1.2). */
function istioArtifact(config: Config, id: string, original: string, file: string): Artifact {
  const url = mirrored(original, config.artifactsUrl);
  return {
    id,
    version: config.istio.version,
    url,
    file,
    digest: { publishedAt: `${url}.sha256`, line: file },
    mode: 0o644,
  };
}

/** The same path below the mirror URL instead of the original host. */
function mirrored(url: string, mirror: string | undefined): string {
  if (mirror === undefined) return url;
  return mirror.replace(/\/+$/, '') + new URL(url).pathname;
}
