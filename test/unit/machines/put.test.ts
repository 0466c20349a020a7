import { quiet } from '../../support/context.ts';
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { GuestFile } from '../../../src/machines/machine.ts';
import { parseAnswer, payload, putFiles } from '../../../src/machines/put.ts';
import { inMemory, packTar, unpackTar } from '../../../src/system/archives.ts';
import type { Command } from '../../../src/system/system.ts';
import { resultOf } from '../../support/fake-processes.ts';

const host = {
  stat: (path: string) =>
    Promise.resolve(path === '/host/k3s' ? ({ kind: 'file', mode: 0o644, size: 2 } as const) : undefined),
};
/** The tar that the machine receives. */
const receivedTar = async (...input: Parameters<typeof payload>): Promise<Uint8Array> =>
  packTar(await inMemory(await payload(...input), () => Promise.resolve(new Uint8Array([1, 2]))));
const files: GuestFile[] = [
  { path: '/etc/a b', content: 'secret', mode: 0o600 },
  { path: '/usr/local/bin/k3s', content: { file: '/host/k3s' }, mode: 0o755, owner: 'istio-proxy', group: 'staff' },
];
const script = { name: 'x.sh', text: 'echo hi\n', args: ['one', 'two words'] };

describe('payload', () => {
  it('contains the manifest, the files and the script', async () => {
    const entries = await unpackTar(await receivedTar(files, script, host));
    const text = (name: string): string => Buffer.from(entries.get(name)?.content ?? []).toString();
    expect([...entries.keys()]).toEqual(['manifest', 'files/etc/a b', 'files/usr/local/bin/k3s', 'then.sh']);
    expect(text('manifest')).toBe('0600\troot\troot\t/etc/a b\n0755\tistio-proxy\tstaff\t/usr/local/bin/k3s\n');
    expect(text('files/etc/a b')).toBe('secret');
    expect([...(entries.get('files/usr/local/bin/k3s')?.content ?? [])]).toEqual([1, 2]);
    expect(text('then.sh')).toBe('echo hi\n');
    expect([...entries.values()].map((entry) => entry.mode)).toEqual([0o600, 0o600, 0o600, 0o600]);
  });

  it('can be unpacked by tar as place.sh does it', async () => {
    const stdin = await receivedTar(files, undefined, host);
    const script = 'd=$(mktemp -d) && trap "rm -rf $d" EXIT && cd "$d" && tar -x -f - && find . -type f | sort';
    const { stdout } = spawnSync('sh', ['-c', script], { input: stdin, encoding: 'utf8' });
    expect(stdout).toBe('./files/etc/a b\n./files/usr/local/bin/k3s\n./manifest\n');
  });

  it('names a missing host file', async () => {
    const missing = [{ path: '/x', content: { file: '/host/gone' }, mode: 0o644 }];
    await expect(payload(missing, undefined, host)).rejects.toThrow('/host/gone');
  });

  it.each(['relative', '/a\n0777\troot\troot\t/b', '/a\tb'])('refuses the path %j', async (path) => {
    await expect(payload([{ path, content: '', mode: 0o644 }], undefined, host)).rejects.toThrow(/not a/);
  });
});

describe('parseAnswer', () => {
  it.each([
    ['', [], ''],
    ['changed /a\nchanged /b c\n', ['/a', '/b c'], ''],
    ['changed /a\n--\nchanged nothing\n--\nend', ['/a'], 'changed nothing\n--\nend'],
    ['--\n', [], ''],
  ])('reads %j', (stdout, changed, rest) => {
    expect(parseAnswer(stdout)).toEqual({ changed, stdout: rest });
  });
});

describe('put', () => {
  it('runs one command as root, without file content in its arguments', async () => {
    const commands: Command[] = [];
    const result = await putFiles(
      {
        run: (command) => {
          commands.push(command);
          return Promise.resolve(resultOf({ stdout: 'changed /etc/a b\n--\nstarted\n' }));
        },
        files: host,
        place: { text: 'PLACE', lab: 'mine' },
      },
      files,
      script,
      { ...quiet, timeoutMs: 7 },
    );
    expect(result).toEqual({ changed: ['/etc/a b'], stdout: 'started\n' });
    expect(commands).toHaveLength(1);
    expect(commands[0]).toMatchObject({
      file: 'sudo',
      args: ['sh', '-c', 'PLACE', 'istio-vms-place', '/etc/istio-vms/lab', 'mine', 'one', 'two words'],
      effect: 'write',
      timeoutMs: 7,
    });
    expect(JSON.stringify(commands[0]?.args)).not.toContain('secret');
  });
});
