import { quiet } from '../../support/context.ts';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, truncateSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { createFixture } from 'fs-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unpackTar } from '../../../src/system/archives.ts';
import { createFiles } from '../../../src/system/files.ts';
import { tarStream } from '../../../src/system/pack.ts';
import { createProcesses } from '../../../src/system/processes.ts';

const BIG = Buffer.alloc(3_000_001, 'big ');
const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

describe('a streamed tar', () => {
  const files = createFiles();
  let fixture: Awaited<ReturnType<typeof createFixture>>;
  const at = (path: string): string => fixture.getPath(path);
  const members = () => [
    { name: 'manifest', content: 'text', mode: 0o600 },
    { name: 'files/big', content: { file: at('big') }, mode: 0o755 },
    { name: 'files/empty', content: { file: at('empty') }, mode: 0o644 },
    { name: 'bytes', content: new Uint8Array([0, 255]), mode: 0o644 },
  ];
  beforeEach(async () => void (fixture = await createFixture({ big: BIG, empty: '' })));
  afterEach(() => fixture.rm());

  it('contains texts, bytes and host files in order', async () => {
    const found = await unpackTar(await buffer(tarStream(members())));
    expect([...found.keys()]).toEqual(['manifest', 'files/big', 'files/empty', 'bytes']);
    expect(Buffer.from(found.get('files/big')?.content ?? []).equals(BIG)).toBe(true);
    expect(found.get('files/empty')?.content).toHaveLength(0);
    expect([...found.values()].map(({ mode }) => mode)).toEqual([0o600, 0o755, 0o644, 0o644]);
  });

  it('is the same for the same members, whatever the time and the owner of the files', async () => {
    await files.pack(at('one.tar'), members());
    await fixture.writeFile('empty', '');
    await files.pack(at('two.tar'), members());
    expect(readFileSync(at('one.tar')).equals(readFileSync(at('two.tar')))).toBe(true);
    expect(readdirSync(fixture.path)).toEqual(['big', 'empty', 'one.tar', 'two.tar']);
  });

  it('is sent to the standard input of a program without being held in memory', async () => {
    const { stdout } = await createProcesses().run(
      {
        file: 'tar',
        args: ['-x', '-O', '-f', '-', 'files/big'],
        effect: 'read',
        stdin: { tar: members() },
      },
      quiet,
    );
    expect(sha256(stdout)).toBe(sha256(BIG));
  });

  it('does not fail when a program does not read it to its end', async () => {
    const run = createProcesses().run({ file: 'true', args: [], effect: 'read', stdin: { tar: members() } }, quiet);
    await expect(run).resolves.toMatchObject({ exitCode: 0 });
  });

  it('names a missing file before anything is started', async () => {
    const missing = [{ name: 'x', content: { file: at('gone') }, mode: 0o644 }];
    await expect(
      createProcesses().run({ file: 'cat', args: [], effect: 'read', stdin: { tar: missing } }, quiet),
    ).rejects.toMatchObject({ reason: 'permission-denied', message: expect.stringContaining('gone') as string });
    await expect(files.pack(at('out.tar'), missing)).rejects.toThrow();
    expect(readdirSync(fixture.path)).toEqual(['big', 'empty']);
  });

  it('fails when a file shrinks while it is read', async () => {
    const readShrinking = async (): Promise<void> => {
      // The first chunk contains the size, so the file is shortened only after its size was read.
      const stream = tarStream(members().slice(1));
      for await (const chunk of stream) if (chunk !== undefined) truncateSync(at('big'), 10);
    };
    await expect(readShrinking()).rejects.toThrow('Size mismatch');
  });

  it.each(['plain', 'gzipped'])('lists its members when it is %s', async (kind) => {
    const tar = await buffer(tarStream(members()));
    await fixture.writeFile('a.tar', kind === 'plain' ? tar : gzipSync(tar));
    expect(await files.members(at('a.tar'))).toEqual([
      { name: 'manifest', size: 4, sha256: sha256('text') },
      { name: 'files/big', size: BIG.length, sha256: sha256(BIG) },
      { name: 'files/empty', size: 0, sha256: sha256('') },
      { name: 'bytes', size: 2, sha256: sha256(new Uint8Array([0, 255])) },
    ]);
    await fixture.writeFile('a.tar', tar.subarray(0, tar.length / 2));
    await expect(files.members(at('a.tar'))).rejects.toMatchObject({ reason: 'download-failed' });
  });
});
