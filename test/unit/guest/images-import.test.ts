import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createFixture } from 'fs-fixture';
import { describe, expect, it } from 'vitest';
import { shipped } from './shipped.ts';

/** Runs the script on two new archives with fake programs that record their arguments; `active` is the running unit. */
async function run(active: string, { changed = true, k3s = 'exit 0' } = {}) {
  await using bin = await createFixture({
    'a b.tar': 'images',
    'k3s.tar.zst': 'images of k3s',
    systemctl: `#!/bin/sh\n[ "$2" = "${active}" ] && echo active || echo inactive\n`,
    k3s: `#!/bin/sh\nfor word in "$@"; do printf '[%s]' "$word" >>"$CALLS"; done\n${k3s}\n`,
    calls: '',
  });
  spawnSync('chmod', ['+x', bin.getPath('systemctl'), bin.getPath('k3s')]);
  const files = ['a b.tar', 'k3s.tar.zst'];
  const env = {
    PATH: `${bin.path}:/usr/bin:/bin`,
    CALLS: bin.getPath('calls'),
    CHANGED: changed ? [...files.map((name) => bin.getPath(name)), '/etc/other'].join('\n') : '',
  };
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', shipped.guest['images-import.sh'] ?? ''], {
    env,
    encoding: 'utf8',
  });
  const remaining = files.filter((name) => existsSync(bin.getPath(name)));
  const short = (text: string): string => text.replaceAll(`${bin.path}/`, '');
  return {
    status,
    stdout: short(stdout),
    stderr: short(stderr),
    calls: short(await bin.readFile('calls', 'utf8')),
    remaining,
  };
}

const BOTH = ['a b.tar', 'k3s.tar.zst'];

describe('images-import.sh', () => {
  it.each(['k3s', 'k3s-agent'])(
    'imports new archives into a running %s and skips compressed archives, which k3s imports when it starts',
    async (unit) => {
      expect(await run(unit)).toEqual({
        status: 0,
        stdout: 'imported a b.tar\n',
        stderr: '',
        calls: '[ctr][images][import][a b.tar]',
        remaining: BOTH,
      });
    },
  );

  it.each([
    ['no k3s runs', 'none', true],
    ['nothing is new', 'k3s', false],
  ])('does nothing when %s', async (_, unit, changed) => {
    expect(await run(unit, { changed })).toEqual({ status: 0, stdout: '', stderr: '', calls: '', remaining: BOTH });
  });

  it.each([
    ['fails', 'echo no such format >&2; exit 1', { stderr: 'no such format\n', status: 1 }],
    ['is interrupted', 'kill -TERM $PPID; sleep 0.1', { stderr: '', status: 143 }],
  ])('removes an archive whose import %s, so that it is copied again', async (_, k3s, expected) => {
    expect(await run('k3s', { k3s })).toMatchObject({ ...expected, stdout: '', remaining: ['k3s.tar.zst'] });
  });
});
