import { describe, expect, it } from 'vitest';
import { knownIssue } from '../../../../src/errors/known-issues.ts';
import { workloadCertificate } from '../../../../src/rehearsal/guest/certificate.ts';
import {
  guestEntry,
  guestHas,
  guestText as readGuest,
  makeDirectory,
  writeGuest,
} from '../../../../src/rehearsal/guest/files.ts';
import { standInBytes } from '../../../../src/rehearsal/stand-in.ts';
import type { Cpu } from '../../../../src/system/system.ts';
import { guestText, rig, type PlacedFile } from './rig.ts';

const VM = 'vm';
const STORE = '/var/lib/istio-vms';
const LIB = '/usr/local/lib/istio-vms';
const ROOT = `${STORE}/root-cert.pem`;
const DEB = '/var/cache/istio-vms/istio-sidecar.deb';
const SHOW = ['systemctl', 'show', 'istio', '--property=ActiveState,SubState,NRestarts,Result,ExecMainStatus'];
const WAIT = ['pilot-agent', 'wait', '--timeoutSeconds', '5', '--url', 'http://localhost:15021/healthz/ready'];

/** A lab with one VM, whose mesh reports the sidecar as ready, or as not ready with the reason that a test sets. */
function lab(cpu: Cpu = 'amd64') {
  const meshState: { reason: string | undefined } = { reason: undefined };
  const calls: string[] = [];
  const r = rig({
    mesh: {
      sidecar: () => (meshState.reason === undefined ? { ready: true } : { ready: false, reason: meshState.reason }),
      started: () => void calls.push('started'),
      stopped: () => void calls.push('stopped'),
    },
  });
  const vm = r.machine(VM, { cpu, manageHosts: false });
  return { ...r, meshState, calls, vm };
}

type Lab = ReturnType<typeof lab>;

const deb = (cpu: Cpu = 'amd64'): PlacedFile => ({
  path: DEB,
  content: standInBytes({ artifact: 'istio-sidecar', version: '1.19.3', cpu }),
});
const install = (r: Lab, cpu: Cpu = 'amd64') => r.put(VM, [deb(cpu)], 'sidecar-install.sh', ['deb', '1.19.3', DEB]);

function payload(changes: Readonly<Record<string, string | undefined>> = {}): PlacedFile[] {
  const contents: Record<string, string | undefined> = {
    '/etc/systemd/system/istio.service': guestText('istio.service'),
    ...Object.fromEntries(
      ['prepare', 'ready', 'cleanup', 'hosts-block'].map((name) => [`${LIB}/${name}`, guestText(name)]),
    ),
    '/var/lib/istio/envoy/cluster.env': 'A="b"\n',
    [`${STORE}/sidecar.env`]: 'POD_NAME="vm"\n',
    '/etc/istio/config/mesh': 'defaultConfig: {}\n',
    [ROOT]: 'ROOT 1\n',
    [`${STORE}/hosts`]: '192.168.64.3 istiod-1-19-3.istio-system.svc\n',
    [`${STORE}/istio-token`]: 'TOKEN 1\n',
    ...changes,
  };
  return Object.entries(contents).flatMap(([path, content]) =>
    content === undefined
      ? []
      : [{ path, content, mode: path.startsWith(LIB) ? '0755' : path.endsWith('token') ? '0600' : '0644' }],
  );
}

const start = (r: Lab, changes: Readonly<Record<string, string | undefined>> = {}, timeoutMs?: number) =>
  r.put(VM, payload(changes), 'sidecar-start.sh', [], timeoutMs);

describe('the installation of the sidecar', () => {
  it('has the effects of the package, and deletes the package file', async () => {
    const r = lab();
    expect((await install(r)).stdout).toMatch(/--\ninstalled\n$/);
    expect(r.vm.users.has('istio-proxy')).toBe(true);
    expect(r.vm.files.get('/etc/istio')?.link).toBe('/var/lib/istio');
    expect(guestEntry(r.vm, '/usr/local/bin/envoy')).toMatchObject({ mode: 0o2755, group: 'istio-proxy' });
    expect(guestHas(r.vm, DEB)).toBe(false);
    expect((await install(r)).stdout).toMatch(/--\nunchanged\n$/);
  });

  it('writes through the link of the package, unless the path existed before', async () => {
    const good = lab();
    await install(good);
    await start(good);
    expect(good.vm.files.has('/var/lib/istio/config/mesh')).toBe(true);
    const existing = lab();
    await existing.put(VM, [{ path: '/etc/istio/config/mesh', content: 'x' }]);
    await install(existing);
    expect(existing.vm.files.get('/etc/istio')).toBeUndefined();
  });

  it('refuses a package for another CPU, a small disk, and a file that is not a package', async () => {
    const r = lab();
    // Known issues map the messages of the script to reasons.
    const otherCpu = await install(r, 'arm64');
    expect(otherCpu.exitCode).toBe(20);
    expect(knownIssue(otherCpu.stderr, 'guest')?.reason).toBe('wrong-architecture');
    expect(guestHas(r.vm, DEB)).toBe(false);
    const broken = { path: DEB, content: '<html>' };
    expect((await r.put(VM, [broken], 'sidecar-install.sh', ['deb', '1.19.3', DEB])).exitCode).toBe(22);
    const smallDisk = rig();
    smallDisk.machine(VM, { disk: '1.5G' });
    const full = await smallDisk.put(VM, [deb()], 'sidecar-install.sh', ['deb', '1.19.3', DEB]);
    expect(full.exitCode).toBe(21);
    expect(knownIssue(full.stderr, 'guest')?.reason).toBe('disk-full');
  });

  it('accepts programs from an image, but only for the right CPU', async () => {
    const r = lab('arm64');
    const programs = (cpu: Cpu): PlacedFile[] =>
      ['envoy', 'pilot-agent'].map((artifact) => ({
        path: `/usr/local/bin/${artifact}`,
        content: standInBytes({ artifact, version: '1.19.3', cpu }),
        mode: '0755',
      }));
    expect((await r.put(VM, programs('amd64'), 'sidecar-install.sh', ['image', '1.19.3'])).exitCode).toBe(20);
    expect((await r.put(VM, programs('arm64'), 'sidecar-install.sh', ['image', '1.19.3'])).stdout).toMatch(
      /installed\n$/,
    );
    expect((await start(r)).stdout).toMatch(/started\n$/);
    await r.world.clock.advance(10_000);
    expect((await r.exec(VM, WAIT)).exitCode).toBe(0);
  });
});

describe('the sidecar', () => {
  it('becomes ready a few seconds after its start, with token, hosts and certificate in place', async () => {
    const r = lab();
    await install(r);
    expect((await start(r)).stdout).toMatch(/--\nstarted\n$/);
    expect((await r.exec(VM, WAIT)).exitCode).toBe(0);
    expect((await r.exec(VM, SHOW)).stdout).toMatch(/^ActiveState=active\nSubState=running\nNRestarts=0/);
    expect(guestEntry(r.vm, '/var/run/secrets/tokens/istio-token')).toMatchObject({
      mode: 0o600,
      owner: 'istio-proxy',
    });
    expect(readGuest(r.vm, '/etc/hosts')).toMatch(/# istio-vms begin\n192\.168\.64\.3 istiod.*\n# istio-vms end\n$/);
    expect(workloadCertificate(r.vm)?.expires).toBeGreaterThan(r.world.clock.now() + 23 * 3_600_000);
    expect(
      (
        await r.exec(VM, [
          'curl',
          '--silent',
          '--output',
          '/dev/null',
          '--write-out',
          '%{http_code}',
          'http://127.0.0.1:15021/healthz/ready',
        ])
      ).stdout,
    ).toBe('200');
    expect(r.calls).toEqual(['started']);
    expect(r.world.refused).toEqual([]);
  });

  it('is left alone when nothing changed, takes a new token without a restart, and restarts for any other change', async () => {
    const r = lab();
    await install(r);
    await start(r);
    await r.world.clock.advance(10_000);
    expect((await start(r)).stdout).toBe('--\nunchanged\n');
    expect((await start(r, { [`${STORE}/istio-token`]: 'TOKEN 2\n' })).stdout).toMatch(/--\ntoken\n$/);
    expect(readGuest(r.vm, '/run/secrets/tokens/istio-token')).toBe('TOKEN 2\n');
    expect(
      (await start(r, { [`${STORE}/hosts`]: '192.168.64.9 x\n', [`${STORE}/istio-token`]: 'TOKEN 2\n' })).stdout,
    ).toMatch(/--\nrestarted\n$/);
  });

  it('releases DNS when it is not ready within a minute, and tries again', async () => {
    const r = lab();
    r.meshState.reason = 'connection refused: 192.168.64.3:15012';
    await install(r);
    await start(r);
    await r.world.clock.advance(10_000);
    expect([r.vm.rules, r.vm.units.get('istio')?.active]).toEqual([true, 'activating']);
    await r.world.clock.advance(60_000);
    expect([r.vm.rules, r.vm.units.get('istio')?.restarts]).toEqual([false, 1]);
    const { stdout } = await r.exec(VM, ['sudo', 'journalctl', '--unit', 'istio', '--no-pager', '--lines', '40']);
    expect(stdout).toMatch(
      /connection refused: 192\.168\.64\.3:15012\n.*next try in 15 s\n.*\n.*Failed to start istio\.service/,
    );
    r.meshState.reason = undefined;
    await r.world.clock.advance(30_000);
    expect(r.vm.units.get('istio')?.active).toBe('active');
  });

  it.each([
    ['root certificate', { [ROOT]: undefined }, undefined],
    ['cluster.env', { '/var/lib/istio/envoy/cluster.env': undefined }, /Failed to load environment files/],
    ['executable helper', { [`${LIB}/cleanup`]: undefined }, /Permission denied/],
  ])('does not start without its %s', async (_, changes, text) => {
    const r = lab();
    await install(r);
    const { exitCode } = await start(r, changes);
    await r.world.clock.advance(20_000);
    if (text === undefined) expect(exitCode).toBe(2);
    else expect(r.vm.units.get('istio')?.journal.join('\n')).toMatch(text);
    expect((await r.exec(VM, WAIT)).exitCode).toBe(255);
  });

  it.each([
    ['/var/run/secrets', 'SDS grpc server for workload proxies failed to set up UDS', 'activating'],
    ['/etc/istio/proxy', 'failed to listen on unix socket "etc/istio/proxy/XDS"', 'activating'],
  ])('never becomes ready when it does not own %s', async (path, message, active) => {
    const r = lab();
    await install(r);
    const prepare = guestText('prepare')
      .replaceAll(` ${path} `, ' ')
      .replace(/^install -d -m 0750.*$/m, '');
    if (path === '/etc/istio/proxy') makeDirectory(r.vm, path);
    await start(r, { [`${LIB}/prepare`]: prepare });
    await r.world.clock.advance(50_000);
    const unit = r.vm.units.get('istio');
    expect([unit?.active, (await r.exec(VM, WAIT)).exitCode]).toEqual([active, 255]);
    expect(unit?.journal.join('\n')).toContain(message);
    expect((await r.exec(VM, ['curl', '--silent', 'http://127.0.0.1:15021/healthz/ready'])).exitCode).toBe(7);
  });

  it('becomes ready with the directories that the shipped script creates', async () => {
    const r = lab();
    await install(r);
    makeDirectory(r.vm, '/var/run/secrets');
    makeDirectory(r.vm, '/etc/istio/proxy');
    await start(r);
    expect((await r.exec(VM, WAIT)).exitCode).toBe(0);
  });

  it('does not delay the boot of its machine while it fails', async () => {
    const r = lab();
    await install(r);
    await start(r);
    await r.world.clock.advance(10_000);
    r.meshState.reason = 'istiod is unreachable';
    await r.exec(VM, ['sudo', 'reboot']);
    await r.world.clock.advance(15_000);
    const before = r.world.clock.now();
    expect((await r.exec(VM, ['cloud-init', 'status', '--wait'])).exitCode).toBe(0);
    expect(r.world.clock.now() - before).toBeLessThan(5_000);
    expect(r.vm.units.get('istio')?.active).toBe('activating');
  });

  it('would delay the boot with the default dependencies of a unit', async () => {
    const r = lab();
    await install(r);
    await start(r, {
      '/etc/systemd/system/istio.service': guestText('istio.service').replace('DefaultDependencies=no', ''),
    });
    await r.world.clock.advance(10_000);
    r.meshState.reason = 'istiod is unreachable';
    await r.exec(VM, ['sudo', 'reboot']);
    await r.world.clock.advance(15_000);
    const before = r.world.clock.now();
    expect((await r.exec(VM, ['cloud-init', 'status', '--wait'])).exitCode).toBe(0);
    expect(r.world.clock.now() - before).toBeGreaterThan(50_000);
  });

  it('cannot be started before its package is installed', async () => {
    const r = lab();
    expect(await start(r)).toMatchObject({ exitCode: 1, stderr: "install: invalid user: 'istio-proxy'\n" });
    expect(r.vm.units.has('istio')).toBe(false);
  });

  it('discards certificates of another root', async () => {
    const r = lab();
    await install(r);
    await start(r);
    await r.world.clock.advance(10_000);
    const before = workloadCertificate(r.vm)?.root;
    r.meshState.reason = 'unreachable';
    await start(r, { [ROOT]: 'ROOT 2\n' });
    expect(workloadCertificate(r.vm)).toBeUndefined();
    r.meshState.reason = undefined;
    await r.world.clock.advance(20_000);
    expect(workloadCertificate(r.vm)?.root).not.toBe(before);
    expect(readGuest(r.vm, '/etc/certs/root-cert.pem')).toBe('ROOT 2');
  });

  it('lets the agent own the root certificate, and restores it when it is broken', async () => {
    const r = lab();
    await install(r);
    await start(r);
    await r.world.clock.advance(10_000);
    const owned = { content: 'ROOT 1', mode: 0o600, owner: 'istio-proxy' };
    expect(guestEntry(r.vm, '/etc/certs/root-cert.pem')).toMatchObject(owned);
    expect((await start(r)).stdout).toMatch(/--\nunchanged\n$/);
    expect(guestEntry(r.vm, '/etc/certs/root-cert.pem')).toMatchObject(owned);
    await r.exec(VM, ['sudo', 'systemctl', 'stop', 'istio']);
    writeGuest(r.vm, '/etc/certs/root-cert.pem', 'broken');
    await start(r);
    await r.world.clock.advance(10_000);
    expect(guestEntry(r.vm, '/etc/certs/root-cert.pem')).toMatchObject(owned);
  });

  it('starts by itself after a reboot', async () => {
    const r = lab();
    await install(r);
    await start(r);
    await r.world.clock.advance(10_000);
    await r.exec(VM, ['sudo', 'reboot']);
    expect(guestHas(r.vm, '/run/secrets')).toBe(false);
    expect(r.vm.rules).toBe(false);
    await r.world.clock.advance(30_000);
    expect((await r.exec(VM, WAIT)).exitCode).toBe(0);
    expect(readGuest(r.vm, '/run/secrets/tokens/istio-token')).toBe('TOKEN 1\n');
    expect(r.calls).toEqual(['started', 'stopped', 'started']);
  });

  it('leaves nothing behind when it is removed', async () => {
    const r = lab();
    const before = new Map([...r.vm.files].map(([path, { content }]) => [path, content]));
    await install(r);
    await start(r);
    await r.world.clock.advance(10_000);
    expect((await r.put(VM, [], 'sidecar-remove.sh')).stdout).toBe('--\nremoved\n');
    expect(new Map([...r.vm.files].map(([path, { content }]) => [path, content]))).toEqual(before);
    expect([r.vm.rules, r.vm.users.has('istio-proxy'), r.vm.packages.size]).toEqual([false, false, 0]);
    expect((await r.put(VM, [], 'sidecar-remove.sh')).exitCode).toBe(0);
  });
});

describe('the iptables rules of the sidecar', () => {
  /** Changes that remove the rule for responses of the ssh server. */
  const withoutSshRule = { [`${LIB}/prepare`]: guestText('prepare').replace('--sport 22', '--sport 2222') };

  it('hang the session that waits for the start, and no later one', async () => {
    const r = lab();
    await install(r);
    await r.put(VM, payload(withoutSshRule));
    expect((await r.exec(VM, ['sudo', 'systemctl', 'start', 'istio'], undefined, 60_000)).failure).toBe('timed-out');
    expect((await r.exec(VM, ['true'])).exitCode).toBe(0);
    expect(r.vm.units.get('istio')?.active).toBe('active');
  });

  it('do not hang sessions that end before the rules load, or that the shipped rule exempts', async () => {
    const queued = lab();
    await install(queued);
    await queued.put(VM, payload(withoutSshRule));
    expect(
      (await queued.exec(VM, ['sudo', 'systemctl', 'start', '--no-block', 'istio'], undefined, 60_000)).exitCode,
    ).toBe(0);
    const exempted = lab();
    await install(exempted);
    await exempted.put(VM, payload());
    expect((await exempted.exec(VM, ['sudo', 'systemctl', 'start', 'istio'], undefined, 60_000)).exitCode).toBe(0);
  });

  it('hang an exempted session with the fault session-hung', async () => {
    const r = lab();
    await install(r);
    r.world.faults.add('session-hung');
    expect((await start(r, {}, 60_000)).failure).toBe('timed-out');
    expect((await r.exec(VM, WAIT)).exitCode).toBe(0);
  });
});

describe('other faults of a workload VM', () => {
  it('reboot it once, right after the sidecar became ready', async () => {
    const r = lab();
    r.world.faults.add('vm-rebooted');
    await install(r);
    const boot = r.vm.bootId;
    await start(r);
    await r.world.clock.advance(10_000);
    expect(r.vm.bootId).not.toBe(boot);
    await r.world.clock.advance(60_000);
    expect([r.vm.state, r.vm.units.get('istio')?.active]).toEqual(['Running', 'active']);
    expect(r.world.faults.has('vm-rebooted')).toBe(false);
  });

  it('suspend the computer for two hours before the sidecar starts', async () => {
    const r = lab();
    r.world.faults.add('computer-slept');
    await install(r);
    const before = r.world.clock.now();
    expect((await start(r)).exitCode).toBe(0);
    expect(r.world.clock.now() - before).toBeGreaterThan(7_200_000);
  });
});

describe('the demo workload', () => {
  const files: PlacedFile[] = [
    { path: '/etc/systemd/system/istio-vms-demo.service', content: guestText('istio-vms-demo.service') },
    { path: `${STORE}/demo.env`, content: 'ISTIO_VMS_DEMO_PORT="8000"\n' },
  ];

  it('is a unit that can be started, stopped and enabled', async () => {
    const r = lab();
    expect((await r.put(VM, files, 'demo-start.sh')).stdout).toMatch(/--\nstarted\n$/);
    expect((await r.put(VM, files, 'demo-start.sh')).stdout).toBe('--\nunchanged\n');
    const unit = r.vm.units.get('istio-vms-demo');
    expect(unit).toMatchObject({ active: 'active', enabled: true });
    await r.exec(VM, ['sudo', 'systemctl', 'stop', 'istio-vms-demo']);
    expect(unit?.active).toBe('inactive');
    await r.exec(VM, ['sudo', 'systemctl', 'start', 'istio-vms-demo']);
    expect(unit?.active).toBe('active');
  });

  it('does not start without its environment', async () => {
    const r = lab();
    expect((await r.put(VM, files.slice(0, 1), 'demo-start.sh')).exitCode).toBe(1);
    expect((await r.exec(VM, ['sudo', 'systemctl', 'start', 'nosuch'])).exitCode).toBe(5);
  });
});
