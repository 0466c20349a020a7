import prettyBytes from 'pretty-bytes';
import { CliError } from '../errors/cli-error.ts';
import type { System } from '../system/system.ts';
import { retry } from '../system/retry.ts';
import type { Artifact } from './artifacts.ts';
import { digestOf } from './checksum.ts';

type FilesAndDownloads = Pick<System, 'files' | 'downloads' | 'clock'>;

export interface ObtainRequest {
  readonly artifact: Artifact;
  readonly system: FilesAndDownloads;
  /** Called with progress, e.g. `k3s: 12 MB of 79 MB, 4 MB/s`. */
  readonly say: (text: string) => void;
  readonly signal?: AbortSignal;
  readonly cacheDir: string;
}

/**
 * The path of the verified file in the cache, `<cache>/sha256/<digest>/<file>`. When the file is cached and intact,
 * nothing is downloaded, not even the checksum.
 * @throws CliError `artifact-not-found`, `digest-mismatch`, or `download-failed` after three attempts.
 */
export async function obtain(request: ObtainRequest): Promise<string> {
  const { artifact, system, say, signal, cacheDir } = request;
  const known = await knownDigest(artifact, system.files, cacheDir);
  const digest = known ?? (await publishedDigest(request));
  const path = cachePath(cacheDir, digest, artifact.file);
  if ((await system.files.sha256(path)) !== digest) {
    await retryDownload(request, () =>
      system.downloads.fetch({
        url: artifact.url,
        to: path,
        sha256: digest,
        mode: artifact.mode,
        onProgress: progressReader(artifact, say, system.clock),
        ...(signal === undefined ? {} : { signal }),
      }),
    );
  }
  // Saved only after the file was verified: a digest that matched no file must not be trusted next time.
  if (known === undefined) await system.files.write(memoryPath(cacheDir, artifact.url), `${digest}\n`);
  return path;
}

/** Whether `obtain` would need no network. Read-only. */
export async function isCached(artifact: Artifact, system: Pick<System, 'files'>, cacheDir: string): Promise<boolean> {
  const digest = await knownDigest(artifact, system.files, cacheDir);
  if (digest === undefined) return false;
  return (await system.files.sha256(cachePath(cacheDir, digest, artifact.file))) === digest;
}

function cachePath(cacheDir: string, digest: string, file: string): string {
  return `${cacheDir}/sha256/${digest}/${file}`;
}

/** One small file for each URL, so that parallel downloads and labs never write the same file. */
function memoryPath(cacheDir: string, url: string): string {
  return `${cacheDir}/digests/${encodeURIComponent(url)}`;
}

async function knownDigest(artifact: Artifact, files: System['files'], cacheDir: string): Promise<string | undefined> {
  if ('pinned' in artifact.digest) return artifact.digest.pinned;
  const text = (await files.readText(memoryPath(cacheDir, artifact.url)))?.trim();
  return text !== undefined && /^[0-9a-f]{64}$/.test(text) ? text : undefined;
}

/** Milliseconds before the second and the third attempt. */
const PAUSES = [2_000, 6_000];

/** Retries network errors, which may be temporary. A wrong digest or a missing file is reported at once. */
function retryDownload<T>({ artifact, system, say, signal }: ObtainRequest, attempt: () => Promise<T>): Promise<T> {
  return retry(attempt, {
    clock: system.clock,
    delays: PAUSES,
    signal,
    shouldRetry: (thrown) => thrown instanceof CliError && thrown.reason === 'download-failed',
    onRetry: (thrown, pauseMs) =>
      say(`${artifact.id}: ${(thrown as Error).message} Trying again in ${pauseMs / 1000}s.`),
  });
}

async function publishedDigest(request: ObtainRequest): Promise<string> {
  const { artifact, system, signal } = request;
  if ('pinned' in artifact.digest) return artifact.digest.pinned;
  const { publishedAt, line } = artifact.digest;
  const text = await retryDownload(request, () => system.downloads.text(publishedAt, signal));
  const digest = digestOf(text, line);
  if (digest === undefined) {
    throw new CliError('download-failed', {
      message: `The checksum file ${publishedAt} does not list ${line}.`,
      hint: 'Open it in a browser: a proxy or a sign-in page may have answered instead.',
    });
  }
  return digest;
}

/** Milliseconds; over a shorter time the speed would be a guess. */
const SPEED_AFTER_MS = 1_000;

/** Reports each text only once: progress arrives with every chunk, but the text shows megabytes. */
function progressReader(artifact: Artifact, say: (text: string) => void, clock: System['clock']) {
  let last = '';
  let first: { readonly bytes: number; readonly at: number } | undefined;
  return ({ bytes, total }: { readonly bytes: number; readonly total?: number }) => {
    const now = clock.now();
    // Bytes left by an earlier attempt do not count towards the speed.
    first ??= { bytes, at: now };
    const text = `${artifact.id}: ${size(bytes)}${total === undefined ? '' : ` of ${size(total)}`}`;
    if (text === last) return;
    last = text;
    const ms = now - first.at;
    const speed = ms < SPEED_AFTER_MS ? '' : `, ${size(((bytes - first.bytes) / ms) * 1000)}/s`;
    say(text + speed);
  };
}

function size(bytes: number): string {
  return prettyBytes(bytes, { maximumFractionDigits: 0 });
}
