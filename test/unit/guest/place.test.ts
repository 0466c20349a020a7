import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { shipped } from './shipped.ts';

/** The script changes file owners, so it needs root; it writes only to a temporary directory. */
const canChown = process.platform === 'linux' && process.getuid?.() === 0;
let temp: string;

beforeEach(() => {
  temp = mkdtempSync(join(tmpdir(), 'place with spaces '));
  mkdirSync(join(temp, 'stages'));
  writeFileSync(join(temp, 'mark'), 'lab-a\n');
});
afterEach(() => rmSync(temp, { recursive: true, force: true }));

/** The arguments with which the script checks which lab owns the machine. */
const owner = (lab = 'lab-a'): readonly string[] => [join(temp, 'mark'), lab];

interface Item {
  readonly path: string;
  readonly content: string;
  readonly mode?: string;
  readonly owner?: string;
}

/** Packs the items with the system's tar and runs the script as on a machine. */
function place(items: readonly Item[], then?: string, args: readonly string[] = []) {
  const pack = join(temp, 'pack');
  rmSync(pack, { recursive: true, force: true });
  mkdirSync(pack);
  const manifest = items
    .map(({ path, mode = '0644', owner = 'root' }) => `${mode}\t${owner}\troot\t${path}\n`)
    .join('');
  writeFileSync(join(pack, 'manifest'), manifest);
  for (const { path, content } of items) {
    const staged = join(pack, 'files', path);
    mkdirSync(dirname(staged), { recursive: true });
    writeFileSync(staged, content);
  }
  if (then !== undefined) writeFileSync(join(pack, 'then.sh'), then);
  const input = spawnSync('tar', ['-c', '-C', pack, '.'], { maxBuffer: 1 << 26 }).stdout;
  const env = { PATH: process.env['PATH'] ?? '', TMPDIR: join(temp, 'stages') };
  const run = spawnSync('/bin/sh', ['-c', shipped.guest['place.sh'] ?? '', 'istio-vms-place', ...owner(), ...args], {
    input,
    env,
    encoding: 'utf8',
  });
  expect(readdirSync(join(temp, 'stages')), 'stages left behind').toEqual([]);
  return run;
}

describe.skipIf(!canChown)('place.sh', () => {
  it('places files with mode and owner, creates directories, and reports what it changed', () => {
    const [a, b] = [join(temp, 'etc/deep/a file'), join(temp, 'etc/secret')];
    const run = place([
      { path: a, content: 'one', mode: '0755' },
      { path: b, content: 'two', mode: '0600', owner: 'nobody' },
    ]);
    expect([run.status, run.stdout, run.stderr]).toEqual([0, `changed ${a}\nchanged ${b}\n`, '']);
    expect([readFileSync(a, 'utf8'), statSync(a).mode & 0o7777]).toEqual(['one', 0o755]);
    expect([readFileSync(b, 'utf8'), statSync(b).mode & 0o7777]).toEqual(['two', 0o600]);
    expect(statSync(b).uid).not.toBe(0);
    expect(statSync(dirname(a)).mode & 0o7777).toBe(0o755);
    expect(readdirSync(join(temp, 'etc')).sort()).toEqual(['deep', 'secret']);
  });

  it('does not replace an unchanged file', () => {
    const path = join(temp, 'a');
    place([{ path, content: 'same' }]);
    const before = statSync(path);
    const again = place([{ path, content: 'same' }], 'printf "%s|" "$CHANGED"');
    expect(again.stdout).toBe('--\n|');
    expect(statSync(path).ino).toBe(before.ino);
  });

  it.each([
    ['content', { content: 'other' }],
    ['mode', { mode: '0600' }],
    ['owner', { owner: 'nobody' }],
  ])('repairs a file when only its %s differs', (_, difference) => {
    const path = join(temp, 'a');
    place([{ path, content: 'same' }]);
    expect(place([{ path, content: 'same', ...difference }]).stdout).toBe(`changed ${path}\n`);
    expect(place([{ path, content: 'same', ...difference }]).stdout).toBe('');
  });

  it('restores the mode bits that a change of owner clears', () => {
    const path = join(temp, 'a');
    place([{ path, content: 'x', mode: '2755', owner: 'nobody' }]);
    expect(statSync(path).mode & 0o7777).toBe(0o2755);
  });

  it('replaces a link and keeps its target', () => {
    const [path, target] = [join(temp, 'link'), join(temp, 'target')];
    writeFileSync(target, 'kept');
    symlinkSync(target, path);
    place([{ path, content: 'kept' }]);
    expect(statSync(path).ino).not.toBe(statSync(target).ino);
    expect(readFileSync(target, 'utf8')).toBe('kept');
  });

  it('runs the script after the files, with its arguments and the changed paths, and returns its exit code', () => {
    const path = join(temp, 'a');
    const script = `cat ${JSON.stringify(path)}; printf '<%s>' "$@"; printf '%s' "$CHANGED"; umask; exit 23`;
    const run = place([{ path, content: 'first ' }], script, ['two words', '$(x)']);
    expect(run.status).toBe(23);
    expect(run.stdout).toBe(`changed ${path}\n--\nfirst <two words><$(x)>${path}0022\n`);
  });

  it.each([
    ['not-absolute', 'not an absolute path'],
    ['/tmp/../tmp/istio-vms-no', 'not a plain path'],
    ['/tmp/istio-vms-no/..', 'not a plain path'],
    ['/tmp/istio-vms-no/', 'not a plain path'],
  ])('refuses the path %s before it changes anything', (path, reason) => {
    const good = join(temp, 'good');
    // Only the manifest has the bad path, since tar could not store it.
    const pack = join(temp, 'bad');
    mkdirSync(join(pack, 'files', temp), { recursive: true });
    writeFileSync(join(pack, 'files', good), 'x');
    writeFileSync(join(pack, 'manifest'), `0644\troot\troot\t${good}\n0644\troot\troot\t${path}\n`);
    const input = spawnSync('tar', ['-c', '-C', pack, '.']).stdout;
    const run = spawnSync('/bin/sh', ['-c', shipped.guest['place.sh'] ?? '', 'istio-vms-place', ...owner()], {
      input,
      env: { PATH: process.env['PATH'] ?? '', TMPDIR: join(temp, 'stages') },
      encoding: 'utf8',
    });
    expect([run.status, run.stderr]).toEqual([1, `istio-vms-place: ${reason}: ${path}\n`]);
    expect(existsSync(good)).toBe(false);
    expect(readdirSync(join(temp, 'stages'))).toEqual([]);
  });

  it.each([
    ['an unknown user', { owner: 'no-such-user-here' }, /no such user/],
    ['an invalid mode', { mode: '0999' }, /not a mode/],
  ])('refuses %s', (_, difference, reason) => {
    const run = place([{ path: join(temp, 'a'), content: 'x', ...difference }]);
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(reason);
    expect(existsSync(join(temp, 'a'))).toBe(false);
  });

  it('refuses a directory in place of a file, and a broken archive', () => {
    mkdirSync(join(temp, 'a'));
    expect(place([{ path: join(temp, 'a'), content: 'x' }]).stderr).toMatch(/a directory is in the way/);
    const run = spawnSync('/bin/sh', ['-c', shipped.guest['place.sh'] ?? '', 'istio-vms-place', ...owner()], {
      input: 'no tar',
      env: { PATH: process.env['PATH'] ?? '', TMPDIR: join(temp, 'stages') },
      encoding: 'utf8',
    });
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/cannot unpack/);
  });

  it.each([
    ['another lab', 'lab-b\n'],
    ['no lab', undefined],
  ])('places nothing on a machine of %s, and reads its input to the end', (_, mark) => {
    if (mark === undefined) rmSync(join(temp, 'mark'));
    else writeFileSync(join(temp, 'mark'), mark);
    const path = join(temp, 'a');
    // The input exceeds the pipe buffer, so leaving it unread would give the sender EPIPE instead of the reason.
    const run = place([{ path, content: 'x'.repeat(1 << 20) }], `touch ${JSON.stringify(join(temp, 'ran'))}`);
    expect(run.error).toBeUndefined();
    expect([run.status, run.stdout]).toEqual([19, '']);
    expect(run.stderr).toBe('istio-vms-place: this machine does not belong to the lab lab-a\n');
    expect([existsSync(path), existsSync(join(temp, 'ran'))]).toEqual([false, false]);
  });

  it('keeps secrets private while it writes them', () => {
    // A stand-in for chown prints the mode of the file before the owner changes.
    const bin = join(temp, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'chown'), '#!/bin/sh\nstat -c %a "$2" >&2\nexec /bin/chown "$@"\n');
    chmodSync(join(bin, 'chown'), 0o755);
    const before = process.env['PATH'];
    process.env['PATH'] = `${bin}:${before ?? ''}`;
    try {
      expect(place([{ path: join(temp, 'token'), content: 'x', mode: '0600' }]).stderr).toBe('600\n');
    } finally {
      process.env['PATH'] = before;
    }
  });
});
