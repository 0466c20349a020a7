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

  /** Another process that has asked for the lock, and what it was told. */
  const other = async (): Promise<{ child: ChildProcess; told: unknown }> => {
    const child = fork(HOLDER, [path], { execArgv: ['--import', 'tsx'] });
    children.push(child);
    const [told] = (await once(child, 'message')) as [unknown];
    return { child, told };
  };
  const taken = async (): Promise<() => Promise<void>> => {
    const answer = await files.lock(path, ME);
    if (!('release' in answer)) throw new Error(`not given: ${JSON.stringify(answer)}`);
    return answer.release;
  };

  it('has one holder, who is named to others, and leaves nothing when it is released', async () => {
    const release = await taken();
    expect(await files.lock(path, { ...ME, command: 'istio-vms k3s' })).toEqual({
      heldBy: { pid: process.pid, ...ME },
    });
    await release();
    expect(await readdir(join(fixture.path, 'data'))).toEqual([]);
    await (
      await taken()
    )();
  });

  it('is readable only by its owner, as is the directory created for it', async () => {
    const release = await taken();
    expect(await files.stat(path)).toMatchObject({ mode: 0o600 });
    expect(await files.stat(join(fixture.path, 'data'))).toMatchObject({ mode: 0o700 });
    await release();
  });

  it('excludes other processes, and us while they hold it', async () => {
    const release = await taken();
    expect((await other()).told).toEqual({ heldBy: { pid: process.pid, ...ME } });
    await release();
    const { child, told } = await other();
    expect(told).toBe('held');
    expect(await files.lock(path, ME)).toMatchObject({ heldBy: { pid: child.pid } });
  });

  it('is free at once when its process was killed, whatever it left', async () => {
    const { child, told } = await other();
    expect(told).toBe('held');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: child.pid });
    const release = await taken();
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ pid: process.pid, ...ME });
    await release();
  });

  it('is free whatever its file says: our own process id, another boot, or garbage', async () => {
    for (const left of [
      JSON.stringify({ pid: process.pid, ...ME }),
      JSON.stringify({ pid: 1, ...ME }),
      '{"pid":',
      '',
    ]) {
      await (
        await taken()
      )();
      await writeFile(path, left);
      await (
        await taken()
      )();
    }
  });

  it('is not inherited by programs that outlive its holder', async () => {
    const { child, told } = await other();
    expect(told).toBe('held');
    // `sleep` in a session of its own, as our commands are.
    child.send('start a program');
    const [pid] = (await once(child, 'message')) as [number];
    child.kill('SIGKILL');
    await once(child, 'exit');
    try {
      expect(() => process.kill(pid, 0)).not.toThrow();
      await (
        await taken()
      )();
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  });

  it('passes from holder to holder, and never has two', async () => {
    let inside = 0;
    let most = 0;
    const worker = async (): Promise<void> => {
      for (let turns = 0; turns < 20;) {
        const answer = await files.lock(path, ME);
        if (!('release' in answer)) {
          await new Promise((resolve) => setImmediate(resolve));
          continue;
        }
        turns++;
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
        await answer.release();
      }
    };
    await Promise.all(Array.from({ length: 4 }, worker));
    expect(most).toBe(1);
  });

  it('reports why it cannot be acquired', async () => {
    await fixture.writeFile('data', 'a file is in the way');
    await expect(files.lock(path, ME)).rejects.toMatchObject({ reason: 'permission-denied' });
  });
});
