import { quiet } from '../../../support/context.ts';
import { describe, expect, it } from 'vitest';
import { restartDaemon } from '../../../../src/rehearsal/engines/daemon.ts';
import { infoOf, rig } from './rig.ts';

const QUICK = ['--cpus', '2', '--memory', '1G', '--disk', '5G', '--timeout', '900', '--cloud-init', '-'];

/** The cases of docs/facts/multipass.md 8, by number, without those of commands that istio-vms does not use. */
describe('the simulated Multipass', () => {
  it('1: reports versions, and only its own without the daemon', async () => {
    const { mp, world } = rig();
    const up = await mp(['version', '--format', 'json']);
    expect(JSON.parse(up.stdout)).toEqual({ multipass: '1.16.3', multipassd: '1.16.3' });
    world.engine.daemonUp = false;
    const down = await mp(['version', '--format', 'json']);
    expect(down.exitCode).toBe(0);
    expect(JSON.parse(down.stdout)).toEqual({ multipass: '1.16.3' });
  });

  it('2: lists machines in every state, or none, in the JSON layout of Qt', async () => {
    const { mp, machine } = rig();
    expect((await mp(['list', '--format', 'json'])).stdout).toBe('{\n    "list": [\n    ]\n}\n');
    machine('k1');
    machine('k2', { state: 'Stopped' });
    machine('k3', { state: 'Deleted' });
    const { list } = JSON.parse((await mp(['list', '--format', 'json'])).stdout) as {
      list: { name: string; ipv4: string[]; state: string }[];
    };
    expect(list.map(({ name, state, ipv4 }) => [name, state, ipv4.length]).sort()).toEqual([
      ['k1', 'Running', 1],
      ['k2', 'Stopped', 0],
      ['k3', 'Deleted', 0],
    ]);
  });

  it('3: launches and describes a machine', async () => {
    const { mp, world } = rig();
    const launched = await mp(['launch', '24.04', '-n', 'k1', '-c', '2', '-m', '1G', '-d', '5G']);
    expect(launched.exitCode).toBe(0);
    expect(launched.stdout).toMatch(/\x1b\[2K[^]*Launched: k1\n$/);
    const info = infoOf((await mp(['info', 'k1', '--format', 'json'])).stdout, 'k1');
    expect(info).toMatchObject({
      state: 'Running',
      cpu_count: '2',
      ipv4: ['192.168.64.2'],
      release: 'Ubuntu 24.04.3 LTS',
    });
    expect(info['disks']).toEqual({ sda1: { total: expect.any(String), used: expect.any(String) } });
    expect(info['memory']).toMatchObject({ total: expect.any(Number) });
    expect(world.refused).toEqual([]);
  });

  it('4: refuses a taken name, even that of a soft-deleted machine', async () => {
    const { mp, machine } = rig();
    machine('k1');
    machine('k2', { state: 'Deleted' });
    for (const name of ['k1', 'k2']) {
      const { exitCode, stderr } = await mp(['launch', '-n', name]);
      expect([exitCode, stderr]).toEqual([2, `launch failed: instance "${name}" already exists\n`]);
    }
  });

  it.each(['1abc', 'a_b', 'a-', 'a.b'])('5: refuses the name %s', async (name) => {
    const { mp, world } = rig();
    const { exitCode, stderr } = await mp(['launch', '-n', name]);
    expect([exitCode, stderr]).toEqual([
      2,
      `launch failed: Invalid arguments supplied\nInvalid instance name supplied: ${name}\n`,
    ]);
    expect(world.engine.instances.size).toBe(0);
  });

  it.each([
    [['-c', '0'], 1, /invalid CPU count '0'/],
    [['-m', '1CiG'], 1, /1CiG is not a valid memory size/],
    [['-m', '64M'], 2, /Invalid memory size value supplied: 64M\./],
    [['-d', '100M'], 2, /Invalid disk size value supplied: 100M\./],
  ])('6: refuses %s', async (flags, code, text) => {
    const { mp, world } = rig();
    const { exitCode, stderr } = await mp(['launch', '-n', 'k2', ...flags]);
    expect(exitCode).toBe(code);
    expect(stderr).toMatch(text);
    expect(world.engine.instances.size).toBe(0);
  });

  it('7: reports an unknown image before it checks the name', async () => {
    const { mp } = rig();
    const { exitCode, stderr } = await mp(['launch', 'nosuch', '-n', '1bad']);
    expect([exitCode, stderr]).toEqual([2, 'launch failed: Unable to find an image matching "nosuch" in remote "".\n']);
  });

  it('8: accepts cloud-init only from stdin and only as a mapping', async () => {
    const { mp, world } = rig();
    const data =
      '#cloud-config\nmanage_etc_hosts: false\nwrite_files:\n  - {path: /etc/istio-vms/lab, content: "test\\n", permissions: "0644"}\n';
    expect((await mp(['launch', '24.04', '--name', 'k2', ...QUICK], data)).exitCode).toBe(0);
    const instance = world.engine.instances.get('k2');
    expect(instance?.files.get('/etc/istio-vms/lab')).toMatchObject({ content: 'test\n', mode: 0o644 });
    expect(instance?.manageHosts).toBe(false);
    const absent = await mp(['launch', '-n', 'k3', '--cloud-init', '/absent.yaml']);
    expect([absent.exitCode, absent.stderr]).toEqual([
      1,
      expect.stringMatching(/^Could not load cloud-init configuration: /),
    ]);
    expect((await mp(['launch', '-n', 'k3', '--cloud-init', '-'], 'just words')).exitCode).toBe(1);
    expect(world.engine.instances.has('k3')).toBe(false);
  });

  it('9: times out at its own limit while the daemon continues', async () => {
    const { mp, world } = rig();
    const { exitCode, stderr } = await mp(['launch', '-n', 'k4', '--timeout', '1']);
    expect([exitCode, stderr]).toEqual([5, 'Timed out waiting for instance launch.\n']);
    expect((await mp(['launch', '-n', 'k4'])).stderr).toMatch(/is being prepared/);
    await world.clock.advance(300_000);
    expect(world.engine.instances.get('k4')?.state).toBe('Running');
    expect((await mp(['launch', '-n', 'k5', '--timeout', '0'])).stderr).toMatch(/positive integer/);
  });

  it('10: reports a timeout although the machine comes up (fault launch-timeout-lies)', async () => {
    const { mp, world } = rig();
    world.faults.add('launch-timeout-lies');
    const { exitCode, stderr } = await mp(['launch', '24.04', '-n', 'k5']);
    expect([exitCode, stderr]).toEqual([
      2,
      'launch failed: The following errors occurred:\nk5: timed out waiting for response\n',
    ]);
    expect(infoOf((await mp(['info', 'k5', '--format', 'json'])).stdout, 'k5')['state']).toBe('Unknown');
    expect((await mp(['exec', '-n', 'k5', '--', 'true'])).stderr).toMatch(
      /Cannot retrieve credentials in unknown state/,
    );
    await world.clock.advance(60_000);
    expect(world.engine.instances.get('k5')).toMatchObject({ state: 'Running', cloudInit: 'done' });
    expect((await mp(['delete', '--purge', 'k5'])).exitCode).toBe(0);
  });

  it('11: prints nothing when one of several machines is missing', async () => {
    const { mp, machine } = rig();
    machine('k1');
    for (const names of [['nosuch'], ['k1', 'nosuch']]) {
      const { exitCode, stdout, stderr } = await mp(['info', ...names, '--format', 'json']);
      expect([exitCode, stdout]).toEqual([2, '']);
      expect(stderr).toBe('info failed: The following errors occurred:\ninstance "nosuch" does not exist\n');
    }
  });

  it('12: reports empty fields for a stopped machine, and N/A for an address that is not yet known', async () => {
    const { mp, machine } = rig();
    machine('k1', { state: 'Stopped' });
    machine('k2', { state: 'Running', addressKnown: false });
    const stopped = infoOf((await mp(['info', 'k1', '--format', 'json'])).stdout, 'k1');
    expect(stopped).toMatchObject({ ipv4: [], cpu_count: '', release: '', load: [], memory: {}, disks: { sda1: {} } });
    expect(infoOf((await mp(['info', 'k2', '--format', 'json'])).stdout, 'k2')['ipv4']).toEqual(['N/A']);
  });

  it('13: runs commands with exit code and input, and exits with 127 for a missing program', async () => {
    const { mp, machine, world } = rig();
    machine('k1');
    expect((await mp(['exec', '-n', 'k1', '--', 'sh', '-c', 'exit 33'])).exitCode).toBe(33);
    expect((await mp(['exec', '-n', 'k1', '--', 'cat'], 'a b')).stdout).toBe('a b');
    const missing = await mp(['exec', '-n', 'k1', '--', 'nosuchcmd']);
    expect([missing.exitCode, missing.stderr]).toEqual([127, 'nosuchcmd: command not found\n']);
    expect(world.refused).toEqual(['on k1: nosuchcmd']);
  });

  it('14: separates its own options from those of the inner command', async () => {
    const { mp, machine, world } = rig();
    machine('k1');
    const swallowed = await mp(['exec', 'k1', 'ls', '--color']);
    expect([swallowed.exitCode, swallowed.stderr]).toEqual([
      1,
      expect.stringMatching(/Unknown option 'color'\.\n.*should come after "--"/),
    ]);
    expect((await mp(['exec', 'k1'])).stderr).toBe('Wrong number of arguments\n');
    expect((await mp(['exec', '-n', '-d', '/x', 'k1', '--', 'ls'])).stderr).toMatch(/clash/);
    expect(world.refused).toEqual(['multipass exec --color']);
  });

  it('15: starts a stopped machine, and names a missing one', async () => {
    const { mp, machine, world } = rig();
    machine('k1', { state: 'Stopped' });
    const started = await mp(['exec', '-n', 'k1', '--', 'true']);
    expect([started.exitCode, started.stdout]).toEqual([0, expect.stringContaining('Starting k1')]);
    expect(world.engine.instances.get('k1')?.state).toBe('Running');
    const once = 'exec failed: The following errors occurred:\ninstance "nosuch" does not exist\n';
    expect((await mp(['exec', '-n', 'nosuch', '--', 'true'])).stderr).toBe(once);
    expect((await mp(['exec', 'nosuch', '--', 'true'])).stderr).toBe(once + once);
    machine('k2', { state: 'Deleted' });
    expect((await mp(['exec', '-n', 'k2', '--', 'true'])).stderr).toMatch(/instance "k2" is deleted/);
  });

  it('15: never returns from a command that exits with 4, unless the code is mapped to another one', async () => {
    const { mp, exec, machine } = rig();
    machine('k1');
    expect((await mp(['exec', '-n', 'k1', '--', 'sh', '-c', 'exit 4'], undefined, 60_000)).failure).toBe('timed-out');
    expect((await exec('k1', ['sh', '-c', 'exit 4'], undefined, 60_000)).exitCode).toBe(104);
  });

  it('18: deletes, recovers and purges either all given machines or none', async () => {
    const { mp, machine, world } = rig();
    machine('k1');
    const codes: number[] = [];
    for (const args of [
      ['delete', 'k1'],
      ['delete', 'k1'],
      ['recover', 'k1'],
      ['delete', 'k1', 'nosuch'],
      ['info', 'k1', '--format', 'json'],
      ['delete', '--purge', 'k1'],
      ['info', 'k1', '--format', 'json'],
      ['delete', '--purge', 'k1'],
      ['delete'],
    ]) {
      codes.push((await mp(args)).exitCode);
    }
    expect(codes).toEqual([0, 0, 0, 2, 0, 0, 2, 2, 1]);
    expect(world.engine.instances.size).toBe(0);
  });

  it('19: starts, stops and restarts a machine depending on its state', async () => {
    const { mp, machine } = rig();
    machine('k1');
    machine('gone', { state: 'Deleted' });
    machine('off', { state: 'Stopped' });
    machine('asleep', { state: 'Suspended' });
    expect((await mp(['purge', 'x'])).stderr).toBe('This command takes no arguments\n');
    expect((await mp(['stop', 'off'])).exitCode).toBe(0);
    expect((await mp(['start', 'k1'])).exitCode).toBe(0);
    expect((await mp(['start', 'nosuch'])).stderr).toBe(
      "start failed: instance(s) missing\nInstance 'nosuch' does not exist.\n",
    );
    expect((await mp(['start', 'gone'])).stderr).toMatch(/Instance 'gone' is deleted/);
    expect((await mp(['restart', 'off'])).stderr).toMatch(
      /^restart failed: Instance 'off' is already running, but in an unknown state/,
    );
    expect((await mp(['stop', 'asleep'])).stderr).toMatch(/Cannot shut down suspended instance asleep/);
  });

  it('20: rejects commands while the daemon is down, and commands that do not exist', async () => {
    const { mp, world } = rig();
    world.engine.daemonUp = false;
    for (const args of [
      ['list', '--format', 'json'],
      ['launch', '-n', 'k1'],
      ['exec', '-n', 'k1', '--', 'true'],
      ['delete', '--purge', 'k1'],
    ]) {
      const { exitCode, stderr } = await mp(args);
      expect([exitCode, stderr]).toEqual([2, `${args[0]} failed: cannot connect to the multipass socket\n`]);
    }
    const unknown = await mp(['frobnicate']);
    expect([unknown.exitCode, unknown.stderr]).toEqual([1, '']);
    expect(unknown.stdout).toMatch(/^Error: Unknown command or alias 'frobnicate'/);
    expect(world.refused).toEqual(['multipass frobnicate']);
  });

  it('downloads an image once for simultaneous launches', async () => {
    const { world, processes } = rig();
    const startedAt = world.clock.now();
    const launch = (name: string) =>
      processes.run(
        {
          file: 'multipass',
          args: ['launch', '22.04', '--name', name, ...QUICK],
          effect: 'write',
          stdin: '#cloud-config\n{}\n',
        },
        quiet,
      );
    await world.clock.drive(Promise.all(['a', 'b', 'c'].map(launch)));
    const addresses = [...world.engine.instances.values()].map(({ address }) => address);
    expect(new Set(addresses).size).toBe(3);
    expect(world.clock.now() - startedAt).toBeLessThan(100_000);
  });

  it('loses launches in progress when its daemon restarts, and keeps existing machines', async () => {
    const { mp, machine, world, run } = rig();
    machine('k1');
    world.clock.after(20_000, () => restartDaemon(world, 8_000));
    const interrupted = await mp(['launch', '24.04', '-n', 'k2']);
    expect([interrupted.exitCode, interrupted.stderr]).toEqual([
      2,
      'launch failed: cannot connect to the multipass socket\n',
    ]);
    await world.clock.advance(300_000);
    expect([...world.engine.instances.keys()]).toEqual(['k1']);
    expect((await mp(['launch', '24.04', '-n', 'k2'])).exitCode).toBe(0);
    world.clock.after(500, () => restartDaemon(world, 8_000));
    const session = await run({
      file: 'multipass',
      args: ['exec', '-n', 'k1', '--', 'cloud-init', 'status', '--wait'],
      effect: 'read',
    });
    expect(session.exitCode).toBe(0);
  });

  it('gives a machine a new boot id and an empty /run on a restart', async () => {
    const { mp, exec, machine } = rig();
    const k1 = machine('k1');
    const before = k1.bootId;
    k1.files.set('/run/x', { content: '', mode: 0o644, owner: 'root', group: 'root' });
    expect((await mp(['restart', 'k1', '--timeout', '300'])).exitCode).toBe(0);
    expect([k1.state, k1.bootId === before, k1.files.has('/run/x')]).toEqual(['Running', false, false]);
    expect((await exec('k1', ['sudo', 'reboot'])).exitCode).toBe(255);
    expect(k1.state).toBe('Restarting');
    expect((await exec('k1', ['uname', '-m'])).stdout).toMatch(/x86_64\n$/);
  });
});
