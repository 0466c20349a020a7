import { spawnSync } from 'node:child_process';
import { createFixture } from 'fs-fixture';
import { describe, expect, it } from 'vitest';
import { shipped } from './shipped.ts';

const TAR = '/var/lib/rancher/k3s/agent/images/a b.tar';
const CHANGED = `${TAR}\n/var/lib/rancher/k3s/agent/images/k3s.tar.zst\n/etc/other`;

/** Runs the script with programs that write down how they are called; `active` names the unit that runs. */
async function run(active: string, changed: string, k3s = 'exit 0') {
  await using bin = await createFixture({
    systemctl: `#!/bin/sh\n[ "$2" = "${active}" ] && echo active || echo inactive\n`,
    k3s: `#!/bin/sh\nfor word in "$@"; do printf '[%s]' "$word" >>"$CALLS"; done\n${k3s}\n`,
    calls: '',
  });
  spawnSync('chmod', ['+x', bin.getPath('systemctl'), bin.getPath('k3s')]);
  const env = { PATH: `${bin.path}:/usr/bin:/bin`, CALLS: bin.getPath('calls'), CHANGED: changed };
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', shipped.guest['images-import.sh'] ?? ''], {
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr, calls: await bin.readFile('calls', 'utf8') };
}

describe('images-import.sh', () => {
  it.each(['k3s', 'k3s-agent'])(
    'imports new archives into a running %s and leaves compressed archives to its start',
    async (unit) => {
      expect(await run(unit, CHANGED)).toEqual({
        status: 0,
        stdout: `imported ${TAR}\n`,
        stderr: '',
        calls: `[ctr][images][import][${TAR}]`,
      });
    },
  );

  it.each([
    ['no k3s runs', 'none', CHANGED],
    ['nothing is new', 'k3s', ''],
  ])('does nothing where %s', async (_, unit, changed) => {
    expect(await run(unit, changed)).toEqual({ status: 0, stdout: '', stderr: '', calls: '' });
  });

  it('fails when k3s fails', async () => {
    expect(await run('k3s', CHANGED, 'echo no such format >&2; exit 1')).toMatchObject({
      stdout: '',
      stderr: 'no such format\n',
      status: 1,
    });
  });
});
