import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFixture, type FsFixture } from 'fs-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFiles } from '../../../src/system/files.ts';

const ME = { command: 'istio-vms up', since: '2026-01-05T09:00:00.000Z' };
const HOLDER = fileURLToPath(new URL('lock-holder.ts', import.meta.url));

describe('a lock', () => {
  const files = createFiles();
  let fixture: FsFixture;
  let path: string;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    fixture = await createFixture({});
    path = join(fixture.path, 'data', '.lock');
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await fixture.rm();
  });

  /** Another process that has requested the lock, and the result it got. */
  const other = async (): Promise<{ child: ChildProcess; result: unknown }> => {
    const child = fork(HOLDER, [path], { execArgv: ['--import', 'tsx'] });
    children.push(child);
    const [result] = (await once(child, 'message')) as [unknown];
    return { child, result };
  };
  const acquire = async (): Promise<() => Promise<void>> => {
    const result = await files.lock(path, ME);
    if (!('release' in result)) throw new Error(`not acquired: ${JSON.stringify(result)}`);
    return result.release;
  };

  it('has one holder, which is reported to others, and leaves no file when it is released', async () => {
    const release = await acquire();
    expect(await files.lock(path, { ...ME, command: 'istio-vms k3s' })).toEqual({
      heldBy: { pid: process.pid, ...ME },
    });
    await release();
    expect(await readdir(join(fixture.path, 'data'))).toEqual([]);
    await (
      await acquire()
    )();
  });

  it('is readable only by its owner, as is the directory created for it', async () => {
    const release = await acquire();
    expect(await files.stat(path)).toMatchObject({ mode: 0o600 });
    expect(await files.stat(join(fixture.path, 'data'))).toMatchObject({ mode: 0o700 });
    await release();
  });

  it('excludes other processes, and this process while another one holds it', async () => {
    const release = await acquire();
    expect((await other()).result).toEqual({ heldBy: { pid: process.pid, ...ME } });
    await release();
    const { child, result } = await other();
    expect(result).toBe('held');
    expect(await files.lock(path, ME)).toMatchObject({ heldBy: { pid: child.pid } });
  });

  it('is free as soon as its process is killed, although its file remains', async () => {
    const { child, result } = await other();
    expect(result).toBe('held');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: child.pid });
    const release = await acquire();
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ pid: process.pid, ...ME });
    await release();
  });

  it('is free whatever its file contains: the id of this process, that of another boot, or garbage', async () => {
    for (const content of [
      JSON.stringify({ pid: process.pid, ...ME }),
      JSON.stringify({ pid: 1, ...ME }),
      '{"pid":',
      '',
    ]) {
      await (
        await acquire()
      )();
      await writeFile(path, content);
      await (
        await acquire()
      )();
    }
  });

  it('is not inherited by programs that outlive its holder', async () => {
    const { child, result } = await other();
    expect(result).toBe('held');
    // Starts `sleep` in its own session, like the commands of the program.
    child.send('start a program');
    const [pid] = (await once(child, 'message')) as [number];
    child.kill('SIGKILL');
    await once(child, 'exit');
    try {
      expect(() => process.kill(pid, 0)).not.toThrow();
      await (
        await acquire()
      )();
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  });

  it('never has two holders at the same time', async () => {
    let holders = 0;
    let maxHolders = 0;
    const worker = async (): Promise<void> => {
      for (let turns = 0; turns < 20;) {
        const result = await files.lock(path, ME);
        if (!('release' in result)) {
          await new Promise((resolve) => setImmediate(resolve));
          continue;
        }
        turns++;
        maxHolders = Math.max(maxHolders, ++holders);
        await new Promise((resolve) => setImmediate(resolve));
        holders--;
        await result.release();
      }
    };
    await Promise.all(Array.from({ length: 4 }, worker));
    expect(maxHolders).toBe(1);
  });

  it('reports why it cannot be acquired', async () => {
    await fixture.writeFile('data', 'a file is in the way');
    await expect(files.lock(path, ME)).rejects.toMatchObject({ reason: 'permission-denied' });
  });
});
