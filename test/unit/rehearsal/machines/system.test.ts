import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../../../src/rehearsal/clock.ts';
import { createDownloads } from '../../../../src/rehearsal/downloads.ts';
import { FAULTS, findFault, type FaultName } from '../../../../src/rehearsal/faults.ts';
import { createFiles } from '../../../../src/rehearsal/files.ts';
import { digestOf, readStandIn } from '../../../../src/rehearsal/stand-in.ts';
import { createWorld } from '../../../../src/rehearsal/state.ts';
import { CommandError } from '../../../../src/system/command-error.ts';
import { HOST, rig, shipped } from './rig.ts';

describe('the virtual clock', () => {
  it('takes no real time, and wakes sleepers in order', async () => {
    const clock = createVirtualClock(0);
    const woken: string[] = [];
    const work = Promise.all([
      clock.sleep(3_600_000).then(() => woken.push('late')),
      clock.sleep(5).then(() => woken.push('soon')),
    ]);
    await clock.drive(work);
    expect([woken, clock.now()]).toEqual([['soon', 'late'], 3_600_000]);
  });

  it('skips a sleep of the computer without firing timers', async () => {
    const clock = createVirtualClock(0);
    let fired = 0;
    clock.after(1_000, () => fired++);
    clock.leap(7_200_000);
    await clock.advance(999);
    expect(fired).toBe(0);
    await clock.advance(1);
    expect([fired, clock.now()]).toEqual([1, 7_201_000]);
  });
});

describe('the simulated files', () => {
  it('create parents as private as the file itself', async () => {
    const files = createFiles();
    await files.write('/a/secret/token', 'x', 0o600);
    await files.write('/b/page', 'x');
    expect((await files.stat('/a/secret'))?.mode).toBe(0o700);
    expect((await files.stat('/b'))?.mode).toBe(0o755);
    expect((await files.stat('/a/secret/token'))?.mode).toBe(0o600);
  });

  it('follow links on read, but not on stat', async () => {
    const files = createFiles({ '/lab/.bin/istioctl-1.19.3': 'x' });
    await files.link('/lab/.bin/istioctl', 'istioctl-1.19.3');
    expect(await files.readText('/lab/.bin/istioctl')).toBe('x');
    expect(await files.stat('/lab/.bin/istioctl')).toMatchObject({ kind: 'link', target: 'istioctl-1.19.3' });
    expect(await files.list('/lab/.bin')).toEqual(['istioctl', 'istioctl-1.19.3']);
    await files.remove('/lab/.bin/istioctl-1.19.3');
    expect(await files.readText('/lab/.bin/istioctl')).toBeUndefined();
  });

  it('fail where a real file system fails', async () => {
    const files = createFiles({ '/a': 'file' });
    await expect(files.write('/a/b', 'x')).rejects.toThrow(/ENOTDIR/);
    await expect(files.rename('/nothing', '/x')).rejects.toThrow(/ENOENT/);
    await expect(files.chmod('/nothing', 0o600)).rejects.toThrow(/ENOENT/);
    await expect(files.read('/')).rejects.toThrow(/EISDIR/);
    await expect(files.read('relative')).rejects.toThrow(/relative path/);
  });

  it('move and remove whole directories', async () => {
    const files = createFiles({ '/a/b/c': '1', '/a/d': '2' });
    await files.rename('/a', '/z');
    expect(await files.readText('/z/b/c')).toBe('1');
    expect(await files.list('/a')).toEqual([]);
    await files.remove('/z');
    expect(await files.stat('/z/b/c')).toBeUndefined();
    await files.append('/log', 'one\n');
    await files.append('/log', 'two\n');
    expect(await files.readText('/log')).toBe('one\ntwo\n');
    expect((await files.stat('/log'))?.mode).toBe(0o600);
  });
});

const K3S = 'https://github.com/k3s-io/k3s/releases/download/v1.28.15%2Bk3s1';
const SIDECAR = 'https://blob.istio.io/istio-release/releases/1.19.3/deb/istio-sidecar-arm64.deb';

function setup(faults: readonly FaultName[] = []) {
  const world = createWorld({ host: HOST, shipped });
  faults.forEach((fault) => world.faults.add(fault));
  const files = createFiles();
  const downloads = createDownloads(world, files);
  const fetch = (url: string, sha256: string, to = '/cache/file') =>
    world.clock.drive(downloads.fetch({ url, to, sha256 }));
  const text = (url: string) => world.clock.drive(downloads.text(url));
  return { world, files, downloads, fetch, text };
}

describe('the simulated downloads', () => {
  it('serve a k3s binary with the digest that its list states, at the speed of the network', async () => {
    const { world, files, fetch, text } = setup();
    const sums = await text(`${K3S}/sha256sum-arm64.txt`);
    const digest =
      sums
        .split('\n')
        .find((row) => row.endsWith('  k3s-arm64'))
        ?.slice(0, 64) ?? '';
    const startedAt = world.clock.now();
    await fetch(`${K3S}/k3s-arm64`, digest);
    expect(world.clock.now() - startedAt).toBeGreaterThan(15_000);
    expect(await files.sha256('/cache/file')).toBe(digest);
    expect(readStandIn(await files.read('/cache/file'))).toMatchObject({
      artifact: 'k3s',
      version: 'v1.28.15+k3s1',
      cpu: 'arm64',
    });
  });

  it('have the pinned digest if one exists', async () => {
    const [version, pins] = Object.entries(shipped.versions.digests.k3s)[0] ?? ['', {}];
    const { files, fetch } = setup();
    const [file, digest] = Object.entries(pins).find(([name]) => name === 'k3s' || name === 'k3s-arm64') ?? ['', ''];
    await fetch(
      `https://mirror.example/keep/k3s-io/k3s/releases/download/${encodeURIComponent(version)}/${file}`,
      digest,
    );
    expect(await files.sha256('/cache/file')).toBe(digest);
  });

  it('serve istioctl as an archive that can be unpacked', async () => {
    const { files, fetch, text } = setup();
    const url = 'https://github.com/istio/istio/releases/download/1.19.3/istioctl-1.19.3-osx-arm64.tar.gz';
    const [digest = ''] = (await text(`${url}.sha256`)).split(' ');
    await fetch(url, digest);
    await files.extract('/cache/file', '/bin', [{ member: 'istioctl', as: 'istioctl-1.19.3', mode: 0o755 }]);
    expect(readStandIn(await files.read('/bin/istioctl-1.19.3'))).toMatchObject({
      artifact: 'istioctl',
      version: '1.19.3',
      cpu: 'osx-arm64',
    });
  });

  it.each([
    'https://github.com/istio/istio/releases/download/1.19.3/istioctl-1.19.3-darwin-arm64.tar.gz',
    'https://github.com/istio/istio/releases/download/1.2.3/istioctl-1.2.3-linux-amd64.tar.gz',
    'https://github.com/istio/istio/releases/download/1.19.3/deb/istio-sidecar.deb',
    'https://github.com/k3s-io/k3s/releases/download/1.28.15%2Bk3s1/k3s',
    `${K3S}/k3s-amd64`,
  ])('answer 404 for %s', async (url) => {
    await expect(setup().fetch(url, '')).rejects.toMatchObject({
      reason: 'artifact-not-found',
      message: expect.stringContaining(url),
    });
  });

  it('inject a requested fault once', async () => {
    await expect(setup(['arm64-deb-missing']).text(`${SIDECAR}.sha256`)).rejects.toMatchObject({
      reason: 'artifact-not-found',
    });
    const digest = (await setup().text(`${SIDECAR}.sha256`)).split(' ')[0] ?? '';
    const flaky = setup(['download-flaky']);
    await expect(flaky.fetch(SIDECAR, digest)).rejects.toMatchObject({ reason: 'download-failed' });
    await flaky.fetch(SIDECAR, digest);
    const wrong = setup(['digest-mismatch']);
    await expect(wrong.fetch(SIDECAR, digest)).rejects.toMatchObject({ reason: 'digest-mismatch' });
    expect(await wrong.files.stat('/cache/file')).toBeUndefined();
    expect(digestOf((await flaky.files.read('/cache/file')) ?? '')).toBe(digest);
  });
});

describe('the simulated processes', () => {
  const slow = {
    multipass: async ({ world }: { world: ReturnType<typeof createWorld> }) => {
      await world.clock.sleep(10_000);
      world.engine.images.add('continued');
      return { exitCode: 0, stdout: 'done' };
    },
  };

  it('report a program that is not installed', async () => {
    const { run } = rig({ tools: [] });
    expect(await run({ file: 'multipass', args: [], effect: 'read' })).toMatchObject({
      exitCode: 127,
      failure: 'not-found',
    });
    expect(await run({ file: '/lab/.bin/istioctl', args: [], effect: 'read' })).toMatchObject({ failure: 'not-found' });
  });

  it('end a command at its time limit, while the operation that it started continues', async () => {
    const { run, world } = rig({ programs: slow });
    const startedAt = world.clock.now();
    expect(await run({ file: 'multipass', args: [], effect: 'write', timeoutMs: 3_000 })).toMatchObject({
      failure: 'timed-out',
    });
    expect(world.clock.now() - startedAt).toBe(3_000);
    await world.clock.advance(10_000);
    expect(world.engine.images.has('continued')).toBe(true);
  });

  it('let an interrupt end a read, but not a write', async () => {
    for (const [effect, failure] of [
      ['read', 'aborted'],
      ['write', undefined],
    ] as const) {
      const { run, world } = rig({ programs: slow });
      const stop = new AbortController();
      world.clock.after(1_000, () => stop.abort());
      expect((await run({ file: 'multipass', args: [], effect }, stop.signal)).failure).toBe(failure);
    }
  });

  it('keep a transcript with times and exit codes', async () => {
    const { mp, processes, world } = rig();
    const startedAt = world.clock.now();
    await mp(['info', 'nosuch', '--format', 'json']);
    expect(processes.transcript).toMatchObject([{ exitCode: 2, startedAt, effect: 'write' }]);
    expect(processes.transcript[0]?.endedAt).toBeGreaterThan(startedAt);
  });

  it('report a gap in the simulation and a command that would never end', async () => {
    const broken = rig({ programs: { multipass: () => Promise.reject(new Error('hole')) } });
    await expect(broken.run({ file: 'multipass', args: ['x'], effect: 'read' })).rejects.toThrow(
      /rehearsal: .*multipass x: hole/,
    );
    const endless = rig({ programs: { multipass: () => new Promise(() => undefined) } });
    const run = endless.run({ file: 'multipass', args: ['x'], effect: 'read' });
    await expect(run).rejects.not.toBeInstanceOf(CommandError);
    await expect(run).rejects.toThrow(/would never end/);
  });
});

describe('the catalog of faults', () => {
  it('contains the documented faults, each described in one sentence', () => {
    const names = FAULTS.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'launch-timeout-lies',
        'gateway-port-conflict',
        'token-expired',
        'arm64-deb-missing',
        'session-hung',
        'vm-rebooted',
        'daemon-down',
      ]),
    );
    for (const { what } of FAULTS) expect(what).toMatch(/^[A-Z].*\.$/);
    expect(() => findFault('nosuch', 'multipass')).toThrow(/no fault named nosuch/);
    expect(() => findFault('session-hung', 'incus')).toThrow(/applies to MACHINE_ENGINE=multipass only/);
    expect(() => findFault('kernel-modules-missing', 'multipass')).toThrow(/applies to MACHINE_ENGINE=incus only/);
  });
});
