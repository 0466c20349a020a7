import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Artifact } from '../../../src/artifacts/artifacts.ts';
import { isCached, obtain } from '../../../src/artifacts/obtain.ts';
import { CliError } from '../../../src/errors/cli-error.ts';
import type { Reason } from '../../../src/errors/reasons.ts';
import type { System } from '../../../src/system/system.ts';

const CONTENT = 'the program';
const DIGEST = sha256(CONTENT);
const CACHED = `/cache/sha256/${DIGEST}/k3s`;
const PUBLISHED: Artifact = {
  id: 'k3s',
  version: 'v1',
  url: 'https://a.example/k3s',
  file: 'k3s',
  digest: { publishedAt: 'https://a.example/sums', line: 'k3s' },
  mode: 0o755,
};
const PINNED: Artifact = { ...PUBLISHED, digest: { pinned: DIGEST } };

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A system with files in memory and a network that fails for the given reasons; every call is recorded. */
function fakeSystem(failures: { readonly fetch?: Reason[]; readonly text?: Reason[] } = {}, sums = `${DIGEST}  k3s\n`) {
  const files = new Map<string, string>();
  const calls: string[] = [];
  const said: string[] = [];
  const slept: number[] = [];
  const fail = (reasons: Reason[] | undefined) => {
    const reason = reasons?.shift();
    if (reason !== undefined) throw new CliError(reason, { message: `It was ${reason}.` });
  };
  const system = {
    files: {
      readText: (path: string) => Promise.resolve(files.get(path)),
      write: (path: string, text: string) => Promise.resolve(void files.set(path, text)),
      sha256: (path: string) => {
        const text = files.get(path);
        return Promise.resolve(text === undefined ? undefined : sha256(text));
      },
    },
    downloads: {
      text: async (url: string) => {
        calls.push(`text ${url}`);
        await Promise.resolve();
        fail(failures.text);
        return sums;
      },
      fetch: async ({ url, to, sha256: expected, mode, onProgress }: Parameters<System['downloads']['fetch']>[0]) => {
        calls.push(`fetch ${url} ${(mode ?? 0).toString(8)}`);
        await Promise.resolve();
        fail(failures.fetch);
        onProgress?.({ bytes: 12_000_000, total: 79_000_000 });
        onProgress?.({ bytes: 12_000_100, total: 79_000_000 });
        onProgress?.({ bytes: 13_000_000 });
        expect(expected).toBe(DIGEST);
        files.set(to, CONTENT);
      },
    },
    clock: { now: () => 0, sleep: (ms: number) => Promise.resolve(void slept.push(ms)) },
  } as unknown as System;
  const get = (artifact: Artifact, signal?: AbortSignal) =>
    obtain({
      artifact,
      system,
      cacheDir: '/cache',
      say: (text) => said.push(text),
      ...(signal === undefined ? {} : { signal }),
    });
  return { files, calls, said, slept, system, get };
}

test('reports the speed of this download, without the bytes of an earlier one', async () => {
  const { system, files, said } = fakeSystem();
  let now = 0;
  const clock = { ...system.clock, now: () => now };
  const fetch: System['downloads']['fetch'] = ({ to, onProgress }) => {
    for (const mb of [40, 44, 52]) {
      onProgress?.({ bytes: mb * 1e6, total: 79e6 });
      now += 2_000;
    }
    return Promise.resolve(void files.set(to, CONTENT));
  };
  const downloads = { ...system.downloads, fetch };
  await obtain({
    artifact: PINNED,
    system: { ...system, clock, downloads },
    say: (text) => said.push(text),
    cacheDir: '/cache',
  });
  expect(said).toEqual(['k3s: 40 MB of 79 MB', 'k3s: 44 MB of 79 MB, 2 MB/s', 'k3s: 52 MB of 79 MB, 3 MB/s']);
});

test('fetches the digest, then the file, and reports progress once per megabyte', async () => {
  const { get, calls, said } = fakeSystem();
  expect(await get(PUBLISHED)).toBe(CACHED);
  expect(calls).toEqual(['text https://a.example/sums', 'fetch https://a.example/k3s 755']);
  expect(said).toEqual(['k3s: 12 MB of 79 MB', 'k3s: 13 MB']);
});

test('needs no network the second time', async () => {
  const { get, calls, system } = fakeSystem();
  expect(await isCached(PUBLISHED, system, '/cache')).toBe(false);
  await get(PUBLISHED);
  calls.length = 0;
  expect(await isCached(PUBLISHED, system, '/cache')).toBe(true);
  expect(await get(PUBLISHED)).toBe(CACHED);
  expect(calls).toEqual([]);
});

test('does not fetch a digest that is pinned', async () => {
  const { get, calls } = fakeSystem();
  await get(PINNED);
  expect(calls).toEqual(['fetch https://a.example/k3s 755']);
});

test('fetches a damaged file of the cache again', async () => {
  const { get, calls, files, system } = fakeSystem();
  files.set(CACHED, 'half a prog');
  expect(await isCached(PINNED, system, '/cache')).toBe(false);
  await get(PINNED);
  expect(calls).toHaveLength(1);
  expect(files.get(CACHED)).toBe(CONTENT);
});

test('ignores a cached digest that is malformed', async () => {
  const { get, calls, files } = fakeSystem();
  files.set(`/cache/digests/${encodeURIComponent(PUBLISHED.url)}`, '../../etc/passwd');
  expect(await get(PUBLISHED)).toBe(CACHED);
  expect(calls[0]).toBe('text https://a.example/sums');
});

test('retries twice with growing pauses when the network fails, and says so', async () => {
  const { get, calls, slept, said } = fakeSystem({
    text: ['download-failed'],
    fetch: ['download-failed', 'download-failed'],
  });
  await get(PUBLISHED);
  expect(calls).toHaveLength(5);
  expect(slept).toEqual([2000, 2000, 6000]);
  expect(said[0]).toBe('k3s: It was download-failed. Trying again in 2s.');
});

test('gives up after three attempts and reports the last reason', async () => {
  const { get, calls } = fakeSystem({ fetch: ['download-failed', 'download-failed', 'download-failed'] });
  await expect(get(PINNED)).rejects.toMatchObject({ reason: 'download-failed' });
  expect(calls).toHaveLength(3);
});

test.each(['artifact-not-found', 'digest-mismatch'] as const)('throws %s at once, without a retry', async (reason) => {
  const { get, calls, slept, files } = fakeSystem({ fetch: [reason] });
  await expect(get(PUBLISHED)).rejects.toMatchObject({ reason });
  expect(calls).toHaveLength(2);
  expect(slept).toEqual([]);
  // The digest is not cached, since no file with this digest was downloaded.
  expect([...files.keys()]).toEqual([]);
});

test('names the checksum file and the artifact when the file has no digest for it', async () => {
  const { get, calls } = fakeSystem({}, '<html>Sign in</html>');
  await expect(get(PUBLISHED)).rejects.toThrow('The checksum file https://a.example/sums does not list k3s.');
  expect(calls).toHaveLength(1);
});

test('does not retry after an interrupt', async () => {
  const { get, calls } = fakeSystem({ fetch: ['download-failed'] });
  await expect(get(PINNED, AbortSignal.abort())).rejects.toMatchObject({ reason: 'download-failed' });
  expect(calls).toHaveLength(1);
});
