import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, watch } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { createFixture } from 'fs-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packTar } from '../../../src/system/archives.ts';
import { asFileError } from '../../../src/system/file-errors.ts';
import { createFiles } from '../../../src/system/files.ts';

const files = createFiles();
const modeOf = (path: string): number => statSync(path).mode & 0o7777;

describe('createFiles', () => {
  let fixture: Awaited<ReturnType<typeof createFixture>>;
  const at = (path: string): string => fixture.getPath(path);
  let umask: number;

  beforeEach(async () => {
    fixture = await createFixture({ 'plain.txt': 'plain', 'many/b': '', 'many/a': '' });
    umask = process.umask(0o027);
  });
  afterEach(async () => {
    process.umask(umask);
    await fixture.rm();
  });

  it('returns undefined or nothing for what does not exist', async () => {
    expect(await files.read(at('absent'))).toBeUndefined();
    expect(await files.readText(at('plain.txt/below'))).toBeUndefined();
    expect(await files.stat(at('absent'))).toBeUndefined();
    expect(await files.sha256(at('absent'))).toBeUndefined();
    expect(await files.list(at('absent'))).toEqual([]);
    await files.remove(at('absent'));
  });

  it('reads, lists in order, and hashes', async () => {
    expect(await files.readText(at('plain.txt'))).toBe('plain');
    expect(Buffer.from((await files.read(at('plain.txt'))) ?? []).toString()).toBe('plain');
    expect(await files.list(at('many'))).toEqual(['a', 'b']);
    expect(await files.sha256(at('plain.txt'))).toBe(createHash('sha256').update('plain').digest('hex'));
  });

  it('writes with exactly the requested mode, whatever the umask, and leaves no temporary file', async () => {
    await files.write(at('open'), 'a');
    await files.write(at('run'), 'a', 0o755);
    await files.write(at('secret/token'), 'a', 0o600);
    await files.write(at('plain.txt'), 'new', 0o600);
    expect([modeOf(at('open')), modeOf(at('run')), modeOf(at('secret/token'))]).toEqual([0o644, 0o755, 0o600]);
    expect(modeOf(at('plain.txt'))).toBe(0o600);
    expect(modeOf(at('secret'))).toBe(0o700);
    expect(readFileSync(at('plain.txt'), 'utf8')).toBe('new');
    expect(readdirSync(fixture.path).filter((name) => name.includes('tmp'))).toEqual([]);
    expect(readdirSync(at('secret'))).toEqual(['token']);
  });

  it('never exposes a secret during the write', async () => {
    mkdirSync(at('watched'));
    const modes: number[] = [];
    const watcher = watch(at('watched'), (_, name) => {
      const stat = lstatSync(at(`watched/${name ?? ''}`), { throwIfNoEntry: false });
      if (stat !== undefined) modes.push(stat.mode & 0o077);
    });
    for (let i = 0; i < 5; i++) await files.write(at('watched/token'), 'x'.repeat(100_000), 0o600);
    await expect.poll(() => modes.length).toBeGreaterThan(0);
    watcher.close();
    expect(modes.every((mode) => mode === 0)).toBe(true);
  });

  it('keeps the old file when writing fails', async () => {
    mkdirSync(at('taken/inside'), { recursive: true });
    await expect(files.write(at('taken'), 'x')).rejects.toMatchObject({ reason: 'permission-denied' });
    expect(readdirSync(fixture.path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('writes a public file through a link, but not a secret', async () => {
    symlinkSync('plain.txt', at('link'));
    await files.write(at('link'), 'through');
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(at('plain.txt'), 'utf8')).toBe('through');
    await expect(files.write(at('link'), 'secret', 0o600)).rejects.toMatchObject({
      reason: 'permission-denied',
      message: expect.stringContaining(at('link')) as string,
    });
    expect(readFileSync(at('plain.txt'), 'utf8')).toBe('through');
  });

  it('creates a private file on append', async () => {
    await files.append(at('logs/run.log'), 'a\n');
    await files.append(at('logs/run.log'), 'b\n');
    expect(readFileSync(at('logs/run.log'), 'utf8')).toBe('a\nb\n');
    expect([modeOf(at('logs/run.log')), modeOf(at('logs'))]).toEqual([0o600, 0o700]);
  });

  it('creates links, and replaces an existing link or file', async () => {
    await files.link(at('bin/tool'), 'tool-1');
    await files.link(at('bin/tool'), 'tool-2');
    expect(await files.stat(at('bin/tool'))).toMatchObject({ kind: 'link', target: 'tool-2' });
    await files.link(at('plain.txt'), 'elsewhere');
    expect(await files.stat(at('plain.txt'))).toMatchObject({ kind: 'link' });
    expect(readdirSync(at('bin'))).toEqual(['tool']);
  });

  it('returns kinds, modes and sizes', async () => {
    await files.makeDirectory(at('private/deep'), 0o700);
    expect(await files.stat(at('private/deep'))).toMatchObject({ kind: 'directory', mode: 0o700 });
    await files.chmod(at('plain.txt'), 0o640);
    expect(await files.stat(at('plain.txt'))).toEqual({ kind: 'file', mode: 0o640, size: 5 });
  });

  it('creates the directory of a rename target, and removes whole trees', async () => {
    await files.rename(at('plain.txt'), at('kept/plain.txt'));
    expect(await files.readText(at('kept/plain.txt'))).toBe('plain');
    await files.remove(at('kept'));
    expect(await files.stat(at('kept'))).toBeUndefined();
  });

  describe('extract', () => {
    const entries = [
      { name: './usr/local/bin/envoy', content: 'ENVOY'.repeat(50_000), mode: 0o644 },
      { name: 'usr/local/bin/pilot-agent', content: 'AGENT', mode: 0o644 },
      { name: '../../evil', content: 'no', mode: 0o644 },
    ];
    const members = [
      { member: 'usr/local/bin/envoy', as: 'envoy', mode: 0o755 },
      { member: 'usr/local/bin/pilot-agent', as: 'agent', mode: 0o755 },
    ];

    it.each(['plain', 'gzipped'])('extracts the named members of a %s tar, and only those', async (kind) => {
      const tar = await packTar(entries);
      await fixture.writeFile('image.tar', Buffer.from(kind === 'plain' ? tar : gzipSync(tar)));
      await files.extract(at('image.tar'), at('out'), members);
      expect(await files.list(at('out'))).toEqual(['agent', 'envoy']);
      expect(readFileSync(at('out/envoy'), 'utf8')).toBe(entries[0]?.content);
      expect(modeOf(at('out/envoy'))).toBe(0o755);
    });

    it('names a missing member', async () => {
      await fixture.writeFile('image.tar', Buffer.from(await packTar(entries.slice(1))));
      await expect(files.extract(at('image.tar'), at('out'), members)).rejects.toMatchObject({
        reason: 'artifact-not-found',
        message: expect.stringContaining('usr/local/bin/envoy') as string,
      });
    });

    it.each([
      ['cut off', async () => Buffer.from(await packTar(entries)).subarray(0, 5000)],
      ['cut off and gzipped', async () => gzipSync(await packTar(entries)).subarray(0, 300)],
      ['not a tar', () => Promise.resolve(Buffer.from('<html>'.repeat(500)))],
    ])('refuses an archive that is %s, and leaves no partial file', async (_, make) => {
      await fixture.writeFile('image.tar', await make());
      await expect(files.extract(at('image.tar'), at('out'), members)).rejects.toMatchObject({
        reason: 'download-failed',
      });
      expect(await files.list(at('out'))).toEqual([]);
    });
  });
});

describe('asFileError', () => {
  const error = (code: string): Error => Object.assign(new Error(code), { code });

  it.each([
    ['ENOSPC', 'disk-full'],
    ['EACCES', 'permission-denied'],
    ['EROFS', 'permission-denied'],
    ['EISDIR', 'permission-denied'],
  ])('turns %s into %s, with the path', (code, reason) => {
    const explained = asFileError(error(code), '/a/b', 'write');
    expect(explained).toMatchObject({ reason, message: expect.stringContaining('/a/b') as string });
    expect(explained).toHaveProperty('facts.hint');
  });

  it('returns an unknown error unchanged', () => {
    const unknown = error('EIO');
    expect(asFileError(unknown, '/a', 'read')).toBe(unknown);
  });
});
