import { spawnSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { packTar, unpackTar } from '../../../src/system/archives.ts';

const entries = [
  { name: 'manifest', content: 'a\tb\n', mode: 0o600 },
  {
    name: `files/${'deep/'.repeat(40)}ünïcode`,
    content: new Uint8Array([0, 255, 10]),
    mode: 0o4755,
    uname: 'root',
    gname: 'root',
  },
  { name: 'empty', content: '', mode: 0o644 },
];

describe('packTar and unpackTar', () => {
  it('return what was packed, gzipped or not', async () => {
    const tar = await packTar(entries);
    for (const bytes of [tar, gzipSync(tar)]) {
      const back = await unpackTar(bytes);
      expect([...back.keys()]).toEqual(entries.map((entry) => entry.name));
      expect(Buffer.from(back.get('manifest')?.content ?? []).toString()).toBe('a\tb\n');
      expect([...(back.get(entries[1]?.name ?? '')?.content ?? [])]).toEqual([0, 255, 10]);
      expect(back.get(entries[1]?.name ?? '')?.mode).toBe(0o4755);
      expect(back.get('empty')?.content.length).toBe(0);
    }
  });

  it('create the same bytes each time', async () => {
    expect(Buffer.from(await packTar(entries)).equals(await packTar(entries))).toBe(true);
  });

  it('create an archive that tar can read', async () => {
    const listed = spawnSync('tar', ['tvf', '-'], { input: await packTar(entries), encoding: 'utf8' });
    expect(listed.status).toBe(0);
    expect(listed.stdout).toContain('manifest');
    expect(listed.stdout).toContain('1970-01-01');
  });

  it('drop the leading ./ of a name and everything that is not a file', async () => {
    const script =
      'd=$(mktemp -d) && trap "rm -rf $d" EXIT && cd "$d" && mkdir d && echo hi > d/f && ln -s f d/l && tar c .';
    const { stdout } = spawnSync('sh', ['-c', script]);
    expect([...(await unpackTar(stdout)).keys()]).toEqual(['d/f']);
  });

  it('refuse what is not a tar', async () => {
    await expect(unpackTar(Buffer.from('x'.repeat(1024)))).rejects.toThrow();
  });
});
