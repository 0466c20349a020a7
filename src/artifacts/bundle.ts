import { CliError } from '../errors/cli-error.ts';
import type { ArchiveListing, Cpu, System, Downloads } from '../system/system.ts';
import type { Artifact } from './artifacts.ts';
import {
  contentPath,
  MANIFEST,
  MANIFEST_SUM,
  parseManifest,
  type BundledFile,
  type BundledImages,
  type BundleManifest,
} from './bundle-manifest.ts';
import { digestOf } from './checksum.ts';

type Files = System['files'];

/** A bundle file: every artifact of a lab, identified by digest. */
export interface Bundle {
  /** The file's path. */
  readonly path: string;
  readonly manifest: BundleManifest;
  /**
   * The artifact with the digest from the bundle.
   * @throws CliError `artifact-not-found` when the bundle does not contain it
   */
  pin(artifact: Artifact): Artifact;
  /** Container images for nodes with this CPU, and their paths in the cache after unpacking. */
  images(cpu: Cpu): readonly (BundledImages & { readonly path: string })[];
  /**
   * Reads the whole bundle and compares it with its manifest. Returns what the cache does not have yet.
   * @throws CliError `digest-mismatch` that names the file that was changed
   */
  verify(): Promise<readonly (BundledFile | BundledImages)[]>;
  /** Copies these files into the cache. */
  unpack(files: readonly (BundledFile | BundledImages)[]): Promise<void>;
}

export interface BundlePlace {
  readonly files: Files;
  readonly cacheDir: string;
  /** A directory of istio-vms for the manifest, which is extracted there temporarily. */
  readonly tempDir: string;
}

/**
 * Reads the manifest, which is the first member of a bundle.
 * @throws CliError `invalid-configuration` when there is no such file
 */
export async function openBundle(path: string, { files, cacheDir, tempDir }: BundlePlace): Promise<Bundle> {
  if ((await files.stat(path)) === undefined) {
    throw new CliError('invalid-configuration', {
      message: `There is no bundle ${path}; nothing was changed.`,
      hint: 'Create one on a computer with a network: `istio-vms bundle create`.',
    });
  }
  const manifest = await readManifest(path, files, `${tempDir}/bundle-manifest`);
  const cached = (file: { sha256: string; file: string }): string => `${cacheDir}/${contentPath(file)}`;
  const all = [...manifest.files, ...manifest.images];
  return {
    path,
    manifest,
    pin: (artifact) => ({ ...artifact, digest: { pinned: pinnedDigest(artifact, manifest, path) } }),
    images: (cpu) =>
      manifest.images.filter((images) => images.cpu === cpu).map((images) => ({ ...images, path: cached(images) })),
    verify: async () => {
      requireWhole(await readAll(path, files), all, path);
      const there = await Promise.all(all.map(async (file) => (await files.sha256(cached(file))) === file.sha256));
      return all.filter((_, place) => there[place] === false);
    },
    unpack: (missing) =>
      files.extract(
        path,
        cacheDir,
        missing.map((file) => ({
          member: contentPath(file),
          as: contentPath(file),
          mode: 'mode' in file ? file.mode : 0o644,
        })),
      ),
  };
}

/** The Downloads interface of a run with a bundle: every download fails. */
export function noDownloads(bundle: Bundle): Downloads {
  const refuse = (url: string): Promise<never> =>
    Promise.reject(
      new CliError('artifact-not-found', {
        message: `${url} is needed, but nothing is downloaded with --bundle.`,
        hint: `Re-run the same command: it unpacks ${bundle.path} again.`,
      }),
    );
  return { fetch: ({ url }) => refuse(url), text: refuse };
}

async function readAll(path: string, files: Files): Promise<readonly ArchiveListing[]> {
  try {
    return await files.members(path);
  } catch (thrown) {
    throw thrown instanceof CliError && thrown.reason === 'download-failed' ? noBundle(path, thrown) : thrown;
  }
}

async function readManifest(path: string, files: Files, into: string): Promise<BundleManifest> {
  const members = [MANIFEST, MANIFEST_SUM].map((name) => ({ member: name, as: name, mode: 0o644 }));
  try {
    await files.extract(path, into, members);
    const [text, sum] = await Promise.all(members.map(({ as }) => files.readText(`${into}/${as}`)));
    const digest = await files.sha256(`${into}/${MANIFEST}`);
    if (digest === undefined || digestOf(sum ?? '', MANIFEST) !== digest) throw tampered(path, [MANIFEST]);
    return parseManifest(text ?? '', path);
  } catch (thrown) {
    const notOurs = thrown instanceof CliError && ['download-failed', 'artifact-not-found'].includes(thrown.reason);
    throw notOurs ? noBundle(path, thrown) : thrown;
  } finally {
    await files.remove(into);
  }
}

/** The digest in the bundle; it must equal the digest pinned in our source, if there is one. */
function pinnedDigest(artifact: Artifact, manifest: BundleManifest, path: string): string {
  const { id, version, file, digest } = artifact;
  const found = manifest.files.find((each) => each.id === id && each.version === version && each.file === file);
  if (found === undefined) {
    throw new CliError('artifact-not-found', {
      message: `${path} does not contain ${file} (${id} ${version}): it was created for ${manifest.cpus.join(' and ')}.`,
      hint: lackingHint(artifact, manifest),
    });
  }
  if ('pinned' in digest && digest.pinned !== found.sha256) throw tampered(path, [file]);
  return found.sha256;
}

function lackingHint({ id, file }: Artifact, { cpus }: BundleManifest): string {
  const build = /-((?:linux|osx)-\w+)\.tar\.gz$/.exec(file)?.[1];
  const has = id === 'istioctl' && build !== undefined && cpus.some((cpu) => build.endsWith(cpu));
  const option = has ? `--istioctl ${build}` : '--cpu both';
  return `Create one that contains it, on a computer with a network: \`istio-vms bundle create ${option}\`.`;
}

/** Checks that the bundle contains exactly the files in the manifest, with the same digests. */
function requireWhole(
  found: readonly ArchiveListing[],
  wanted: readonly { readonly file: string; readonly sha256: string; readonly size: number }[],
  path: string,
): void {
  const there = new Map(found.map((member) => [member.name, member]));
  const wrong = wanted.filter((file) => {
    const member = there.get(contentPath(file));
    return member === undefined || 'link' in member || member.sha256 !== file.sha256;
  });
  const known = new Set([MANIFEST, MANIFEST_SUM, ...wanted.map(contentPath)]);
  const foreign = found.filter(({ name }) => !known.has(name));
  if (wrong.length + foreign.length === 0) return;
  throw tampered(path, [...wrong.map(({ file }) => file), ...foreign.map(({ name }) => name)]);
}

function tampered(path: string, names: readonly string[]): CliError {
  return new CliError('digest-mismatch', {
    message: `${names.join(' and ')} in ${path} ${names.length === 1 ? 'does' : 'do'} not match the digests in the bundle, so it is not used.`,
    hint: 'Copy the bundle again from its source.',
  });
}

function noBundle(path: string, cause: CliError): CliError {
  return new CliError('digest-mismatch', {
    message: `${path} is not a complete istio-vms bundle.`,
    hint: 'Copy the bundle again, or create one with `istio-vms bundle create`.',
    cause,
  });
}
