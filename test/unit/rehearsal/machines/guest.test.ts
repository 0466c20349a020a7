import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { guestEntry, guestText as readGuest } from '../../../../src/rehearsal/guest/files.ts';
import { standInBytes } from '../../../../src/rehearsal/stand-in.ts';
import type { Cpu } from '../../../../src/system/system.ts';
import { guestText, infoOf, rig, type PlacedFile } from './rig.ts';

const k3sBinary = (cpu: Cpu = 'amd64'): PlacedFile => ({
  path: '/usr/local/bin/k3s',
  content: standInBytes({ artifact: 'k3s', version: 'v1.28.15+k3s1', cpu }),
  mode: '0755',
});
const unit = (name: string): PlacedFile => ({
  path: `/etc/systemd/system/${name}.service`,
  content: guestText(`${name}.service`),
});
const config = (content: object): PlacedFile => ({
  path: '/etc/rancher/k3s/config.yaml',
  content: stringify(content),
  mode: '0600',
});
const TOKEN = '/etc/rancher/k3s/agent-token';

type Rig = ReturnType<typeof rig>;

async function server(r: Rig, name = 'master') {
  const instance = r.machine(name);
  const files = [k3sBinary(), config({ 'agent-token-file': TOKEN, 'node-ip': instance.address }), unit('k3s')];
  const answer = await r.put(name, files, 'k3s-start.sh', ['k3s']);
  return { instance, answer };
}

async function agent(
  r: Rig,
  token: string,
  options: { server?: string; name?: string; extra?: object; cpu?: Cpu } = {},
) {
  const { name = 'worker', extra = {}, cpu = 'amd64' } = options;
  const address = options.server ?? r.world.engine.instances.get('master')?.address ?? '192.168.64.99';
  const instance = r.world.engine.instances.get(name) ?? r.machine(name);
  const answer = await r.put(
    name,
    [
      k3sBinary(cpu),
      { path: TOKEN, content: `${token}\n`, mode: '0600' },
      config({ server: `https://${address}:6443`, 'token-file': TOKEN, 'node-ip': instance.address, ...extra }),
      unit('k3s-agent'),
    ],
    'k3s-start.sh',
    ['k3s-agent'],
  );
  return { instance, answer, unit: () => instance.units.get('k3s-agent') };
}

const secureToken = (r: Rig): string =>
  readGuest(r.world.engine.instances.get('master') as never, '/var/lib/rancher/k3s/server/agent-token')?.trim() ?? '';

describe('a simulated guest', () => {
  it('places only what differs', async () => {
    const r = rig();
    const k1 = r.machine('k1');
    const file: PlacedFile = { path: '/etc/x/secret', content: 'one', mode: '0600' };
    expect((await r.put('k1', [file])).stdout).toBe('changed /etc/x/secret\n');
    expect((await r.put('k1', [file])).stdout).toBe('');
    expect((await r.put('k1', [{ ...file, mode: '0644' }])).stdout).toBe('changed /etc/x/secret\n');
    expect(guestEntry(k1, '/etc/x/secret')).toMatchObject({ mode: 0o644, owner: 'root' });
    expect((await r.exec('k1', ['sudo', 'cat', '/etc/x/secret'])).stdout).toBe('one');
  });

  it('changes nothing when any part of the payload is wrong', async () => {
    const r = rig();
    const k1 = r.machine('k1');
    const good: PlacedFile = { path: '/etc/good', content: 'x' };
    for (const [bad, text] of [
      [{ path: '/etc/y', content: 'x', owner: 'istio-proxy' }, 'no such user: istio-proxy'],
      [{ path: '/etc/../y', content: 'x' }, 'not a plain path'],
      [{ path: '/etc', content: 'x' }, 'a directory is in the way'],
      [{ path: '/etc/y', content: 'x', mode: 'rwx' }, 'not a mode'],
    ] as const) {
      const { exitCode, stderr } = await r.put('k1', [good, bad]);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining(text)]);
    }
    expect(guestEntry(k1, '/etc/good')).toBeUndefined();
  });

  it('refuses an ordinary user what only root may do', async () => {
    const r = rig();
    r.machine('k1');
    await r.put('k1', [{ path: '/etc/secret', content: 'x', mode: '0600' }, unit('k3s')]);
    expect((await r.exec('k1', ['cat', '/etc/secret'])).stderr).toMatch(/Permission denied/);
    expect((await r.exec('k1', ['systemctl', 'start', 'k3s'])).stderr).toMatch(/authentication required/);
    expect((await r.exec('k1', ['reboot'])).exitCode).toBe(1);
  });

  it('reports its state with one key and value per line', async () => {
    const r = rig();
    r.machine('k1');
    await r.put('k1', [{ path: '/etc/istio-vms/lab', content: 'mylab\n' }]);
    const { stdout } = await r.exec('k1', [
      'sudo',
      'sh',
      '-c',
      guestText('state.sh'),
      'istio-vms-state',
      '/etc/istio-vms/lab',
      '/nothing',
    ]);
    const facts = new Map(
      stdout
        .trim()
        .split('\n')
        .map((row) => row.split('\t') as [string, string]),
    );
    expect(Object.fromEntries(facts)).toMatchObject({
      arch: 'x86_64',
      lab: 'mylab',
      'sidecar.version': '-',
      'sidecar.enabled': '-',
      'sidecar.ready': '000',
      'cert.expires': '-',
      sudo: 'sudo',
    });
    expect(stdout).toMatch(/file\t[0-9a-f]{64} 644 root root \/etc\/istio-vms\/lab\nfile\t- - - - \/nothing\n$/);
  });

  it('rejects commands that are not shipped', async () => {
    const r = rig();
    r.machine('k1');
    for (const argv of [
      ['sudo', 'sh', '-c', 'rm -rf /'],
      ['systemctl', 'is-active', 'k3s'],
      ['ls'],
      ['sudo', '-E', 'true'],
    ]) {
      expect((await r.exec('k1', argv)).exitCode).toBe(127);
    }
    expect(r.world.refused).toHaveLength(4);
  });
});

describe('k3s on a guest', () => {
  it('writes its files before its API answers, and then becomes ready', async () => {
    const r = rig();
    const { instance, answer } = await server(r);
    expect(answer.stdout).toMatch(/changed \/usr\/local\/bin\/k3s\n[^]*--\nstarted\n$/);
    const readyz = ['sudo', 'k3s', 'kubectl', 'get', '--raw=/readyz', '--request-timeout=5s'];
    await r.world.clock.advance(9_000);
    expect(readGuest(instance, '/etc/rancher/k3s/k3s.yaml')).toContain('https://127.0.0.1:6443');
    expect(await r.exec('master', readyz)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('refused') });
    await r.world.clock.advance(20_000);
    expect(await r.exec('master', readyz)).toMatchObject({ exitCode: 0, stdout: 'ok' });
    const show = await r.exec('master', [
      'systemctl',
      'show',
      'k3s',
      '--property=ActiveState,SubState,NRestarts,Result,ExecMainStatus',
    ]);
    expect(show.stdout).toBe('ActiveState=active\nSubState=running\nNRestarts=0\nResult=success\nExecMainStatus=0\n');
    expect(secureToken(r)).toMatch(/^K10[0-9a-f]{64}::node:[0-9a-f]{32}$/);
    expect(guestEntry(instance, TOKEN)?.mode).toBe(0o600);
    const addresses = infoOf((await r.mp(['info', 'master', '--format', 'json'])).stdout, 'master')['ipv4'] as string[];
    expect(addresses.slice(0, 2)).toEqual([instance.address, '10.42.0.0']);
  });

  it('is left alone when nothing changed, and keeps its cluster across a restart', async () => {
    const r = rig();
    const { instance } = await server(r);
    await r.world.clock.advance(30_000);
    const { cluster } = r.world;
    const again = await r.put('master', [k3sBinary(), unit('k3s')], 'k3s-start.sh', ['k3s']);
    expect(again.stdout).toBe('--\nunchanged\n');
    await r.mp(['restart', 'master']);
    await r.world.clock.advance(30_000);
    expect(instance.units.get('k3s')?.active).toBe('active');
    expect(r.world.cluster).toBe(cluster);
  });

  it('lets agents join with the secure token', async () => {
    const r = rig();
    await server(r);
    await r.world.clock.advance(30_000);
    const joined = await agent(r, secureToken(r));
    expect(joined.answer.stdout).toMatch(/--\nstarted\n$/);
    await r.world.clock.advance(20_000);
    expect(joined.unit()?.active).toBe('active');
    expect(r.world.cluster?.get('nodes', undefined, 'worker')).toBeDefined();
  });

  it.each([
    ['of another cluster', `K10${'0'.repeat(64)}::node:x`, /token CA hash does not match/],
    ['that is wrong', 'nonsense', /401 Unauthorized/],
  ])('rejects an agent with a token %s', async (_, token, text) => {
    const r = rig();
    await server(r);
    await r.world.clock.advance(30_000);
    const { unit: worker } = await agent(r, token);
    await r.world.clock.advance(60_000);
    expect(worker()?.active).toBe('activating');
    const { stdout } = await r.exec('worker', [
      'sudo',
      'journalctl',
      '--unit',
      'k3s-agent',
      '--no-pager',
      '--lines',
      '40',
    ]);
    expect(stdout).toMatch(text);
  });

  it('lets an agent wait indefinitely for a server that does not exist', async () => {
    const r = rig();
    const { unit: worker } = await agent(r, `K10${'0'.repeat(64)}::node:x`, { server: '192.168.64.200' });
    const blocked = await r.exec('worker', ['sudo', 'systemctl', 'start', 'k3s-agent'], undefined, 120_000);
    expect(blocked.failure).toBe('timed-out');
    expect(worker()).toMatchObject({ active: 'activating', restarts: 0 });
    expect(worker()?.journal.at(-1)).toMatch(/connection refused/);
  });

  it.each([
    ['a server-only key', { extra: { disable: ['traefik'] } }, /flag provided but not defined: -disable/],
    ['a binary for another CPU', { cpu: 'arm64' as const }, /Exec format error/],
    ['an address that is not its own', { extra: { 'node-ip': '10.0.0.1' } }, /specified node ip 10.0.0.1/],
  ])('crashes repeatedly because of %s', async (_, options, text) => {
    const r = rig();
    const { unit: worker } = await agent(r, 'x', { server: '192.168.64.2', ...options });
    await r.world.clock.advance(60_000);
    expect(worker()?.restarts).toBeGreaterThan(3);
    expect(worker()?.journal.join('\n')).toMatch(text);
  });

  it('rejects a machine that was recreated under an old name until its node is deleted', async () => {
    const r = rig();
    await server(r);
    await r.world.clock.advance(30_000);
    await agent(r, secureToken(r));
    await r.world.clock.advance(20_000);
    await r.mp(['delete', '--purge', 'worker']);
    const { unit: worker } = await agent(r, secureToken(r));
    await r.world.clock.advance(20_000);
    expect(worker()?.active).toBe('activating');
    expect(worker()?.journal.at(-1)).toMatch(/Node password rejected, duplicate hostname/);
  });

  it('is lost with its machine, and has another CA on a new one', async () => {
    const r = rig();
    await server(r);
    await r.world.clock.advance(30_000);
    const old = r.world.cluster?.ca;
    await r.mp(['delete', '--purge', 'master']);
    expect(r.world.cluster).toBeUndefined();
    await server(r);
    await r.world.clock.advance(30_000);
    expect(r.world.cluster?.ca).not.toBe(old);
  });
});
