import { quiet } from '../../../support/context.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { createIncus } from '../../../../src/machines/incus/engine.ts';
import { readiness, type IncusSettings } from '../../../../src/machines/incus/probe.ts';
import { isLostSession } from '../../../../src/machines/session.ts';
import type { MachineEngine } from '../../../../src/machines/machine.ts';
import { quoteCommand } from '../../../../src/system/quote.ts';
import { fakeClock } from '../../../support/fake-clock.ts';
import { fakeProcesses, resultOf, type Answer, type FakeProcesses } from '../../../support/fake-processes.ts';
import { CommandError } from '../../../../src/system/command-error.ts';
import type { Processes } from '../../../../src/system/system.ts';

const LIST = 'incus list --quiet --format json';
const START = 'incus start --quiet k1';
const DELETE = 'incus delete --quiet --force k1';
const PROFILE = { devices: { root: { type: 'disk', path: '/', pool: 'p' }, eth0: { type: 'nic', network: 'n' } } };
const SERVER = { auth: 'trusted', environment: { server_version: '6.0.4', driver: 'lxc' } };
const CLUSTER = { auth: 'trusted', environment: { ...SERVER.environment, server_clustered: true } };
const absent: Answer = { exitCode: 1, stderr: 'Error: Profile not found' };
const bridge: Answer = { stdout: '{"type":"bridge","managed":true}' };
const online: Answer = { stdout: '{"status":"Online"}' };

const spec = { name: 'k1', release: '22.04', cpus: 1, memory: '1G', disk: '4G', cloudInit: {} };

/** An instance as `incus list` shows it. */
function shown(state: 'Running' | 'Stopped' | 'gone', lab: string | null = 'mine', address = '10.0.0.2'): Answer {
  if (state === 'gone') return { stdout: '[]' };
  const running = state === 'Running';
  const addresses = address === '' ? [] : [{ family: 'inet', scope: 'global', address }];
  const instance = {
    name: 'k1',
    status_code: running ? 103 : 102,
    config: lab === null ? {} : { 'user.istio-vms': lab },
    state: { network: running ? { eth0: { hwaddr: 'x', addresses } } : null },
  };
  return { stdout: JSON.stringify([instance]) };
}

describe('createIncus', () => {
  let processes: FakeProcesses;
  let clock: ReturnType<typeof fakeClock>;
  let said: string[];
  /** Answers to commands on machines, by the end of the command line; other commands go to the strict fake. */
  let guest: Record<string, Answer[]>;
  let guestCommands: string[];
  /** The inotify instance limit of the host. */
  let inotifyLimit: string | undefined;
  const readText = (): Promise<string | undefined> => Promise.resolve(inotifyLimit);
  const context = { ...quiet, say: (text: string) => void said.push(text) };

  const engine = (settings: Partial<IncusSettings> = {}, nodes = ['node-1', 'node-2']): MachineEngine => {
    const withGuest: Processes = {
      run: async (command) => {
        if (command.args[0] !== 'exec') return processes.run(command, quiet);
        const words = command.args.slice(command.args.lastIndexOf('sh') + 2).join(' ');
        guestCommands.push(words);
        const answers = guest[words];
        const answer = answers === undefined || answers.length < 2 ? answers?.[0] : answers.shift();
        if (answer === undefined) throw new Error(`no answer for the guest command: ${words}`);
        const result = resultOf(answer);
        if (answer.failure !== undefined) throw new CommandError(command, answer.failure, result);
        if (result.exitCode !== 0) throw new CommandError(command, 'exit', result);
        return result;
      },
    };
    return createIncus({
      system: { processes: withGuest, clock, files: { read: () => Promise.resolve(undefined), readText } as never },
      place: { text: 'PLACE', lab: 'mine' },
      settings: { image: 'images:u/cloud', targets: [], ...settings },
      names: { nodes, workloads: ['k1'] },
    });
  };

  const launches = (): string[] => processes.lines.filter((line) => line.startsWith('incus launch'));
  const LAUNCH = 'incus launch --quiet images:u/cloud k1';

  beforeEach(() => {
    said = [];
    inotifyLimit = undefined;
    guestCommands = [];
    guest = { 'cloud-init status --wait': [{ stdout: 'status: done\u001e', stderr: '\u001e\u001e' }] };
    clock = fakeClock();
    processes = fakeProcesses()
      .on('incus alias --quiet list --format json', { stdout: '{}' })
      .on('incus query --quiet /1.0', { stdout: JSON.stringify(SERVER) })
      .on('incus query --quiet /1.0/profiles/default', { stdout: JSON.stringify(PROFILE) })
      .on('incus query --quiet /1.0/networks/n', bridge)
      .on('incus query --quiet /1.0/networks/n/state', { stdout: '{}' });
  });

  describe('probe', () => {
    it('returns the version of a server on which machines can be created', async () => {
      expect(await engine().probe(quiet)).toEqual({ version: '6.0.4' });
    });

    it('reports the missing project first, even when the missing image is found earlier', async () => {
      const query = async (path: string): Promise<string | undefined> => {
        if (path.startsWith('/1.0/profiles')) for (let turn = 0; turn < 20; turn++) await Promise.resolve();
        return path === '/1.0' ? JSON.stringify(SERVER) : undefined;
      };
      const settings = { image: 'own', project: 'x', targets: [] };
      await expect(readiness(settings, query, () => Promise.resolve('{}'))).rejects.toThrow('no project x');
    });

    it.each<[string, Partial<IncusSettings>, Record<string, Answer>, RegExp, RegExp]>([
      [
        'the daemon is down',
        {},
        { '/1.0': { exitCode: 1, stderr: "Error: The incus daemon doesn't appear to be started (socket path: /x)" } },
        /daemon is not running/,
        /systemctl start incus/,
      ],
      [
        'Incus was never initialized',
        {},
        { '/1.0/profiles/default': { stdout: '{"devices":{}}' } },
        /no root disk/,
        /incus admin init --minimal/,
      ],
      [
        'there is no network card',
        {},
        { '/1.0/profiles/default': { stdout: JSON.stringify({ devices: { root: PROFILE.devices.root } }) } },
        /no network card/,
        /incus network create/,
      ],
      [
        'the project is missing',
        { project: 'x' },
        { '/1.0/profiles/default?project=x': absent },
        /no project x/,
        /incus project create x/,
      ],
      [
        'the network is missing',
        { network: 'nn' },
        { '/1.0/networks/nn': absent },
        /no network nn/,
        /incus network create nn/,
      ],
      [
        'a bridge would separate the machines',
        { network: 'br', targets: ['m1', 'm2'] },
        {
          '/1.0': { stdout: JSON.stringify(CLUSTER) },
          '/1.0/networks/br': bridge,
          '/1.0/cluster/members/m1': online,
          '/1.0/cluster/members/m2': online,
        },
        /own on each member/,
        /INCUS_TARGETS/,
      ],
      [
        'the bridge of the profile is missing',
        {},
        { '/1.0/networks/n/state': { exitCode: 1, stderr: 'Error: Network interface "n" not found' } },
        /bridge n no longer exists/,
        /systemctl restart incus/,
      ],
      ['there is no cluster', { targets: ['m1'] }, {}, /this Incus is in none/, /INCUS_TARGETS empty/],
      [
        'a member is unknown',
        { targets: ['@g1', 'm9'] },
        {
          '/1.0': { stdout: JSON.stringify(CLUSTER) },
          '/1.0/cluster/groups/g1': { stdout: '{"name":"g1"}' },
          '/1.0/cluster/members/m9': { exitCode: 1, stderr: 'Error: Cluster member not found' },
        },
        /no member m9/,
        /incus cluster list/,
      ],
      [
        'a member is offline',
        { targets: ['m1'] },
        {
          '/1.0': { stdout: JSON.stringify(CLUSTER) },
          '/1.0/cluster/members/m1': { stdout: '{"status":"Offline"}' },
        },
        /m1 is not online \(Offline\)/,
        /incus cluster info m1/,
      ],
      [
        'the image is missing',
        { image: 'own' },
        { '/1.0/images/aliases/own': absent },
        /no image own/,
        /incus image copy/,
      ],
      ['KVM is missing', { type: 'virtual-machine' }, {}, /cannot run any/, /INCUS_TYPE=container/],
      [
        'the client is not trusted',
        {},
        { '/1.0': { stdout: JSON.stringify({ ...SERVER, auth: 'untrusted' }) } },
        /does not trust/,
        /incus remote add/,
      ],
    ])('reports that %s, and how to fix it', async (_, settings, answers, message, hint) => {
      if (settings.project !== undefined) {
        processes.on(quoteCommand('incus', ['query', '--quiet', '/1.0?project=x']), { stdout: JSON.stringify(SERVER) });
      }
      for (const [path, answer] of Object.entries(answers)) {
        processes.on(quoteCommand('incus', ['query', '--quiet', path]), answer);
      }
      const thrown: unknown = await engine(settings)
        .probe(quiet)
        .catch((error: unknown) => error);
      expect(thrown).toMatchObject({ reason: 'engine-unavailable', facts: { hint: expect.stringMatching(hint) } });
      expect((thrown as Error).message).toMatch(message);
    });

    it('refuses a client whose aliases replace our commands', async () => {
      processes.on('incus alias --quiet list --format json', { stdout: '{"ll":"list","list":"info"}' });
      await expect(engine().probe(quiet)).rejects.toThrow(/aliases .*: list\./);
    });
  });

  describe('launch', () => {
    it('reports the type that it chose, and waits for the address and for cloud-init', async () => {
      processes.on(LIST, shown('gone'), shown('Running', 'mine', ''), shown('Running')).on(LAUNCH, {});
      await engine().launch(spec, context);
      expect(said).toEqual([
        'launching k1 (as a container: this Incus runs no virtual machines)',
        'k1: waiting for its address',
        'k1: waiting for cloud-init',
      ]);
      expect(guestCommands).toEqual(['cloud-init status --wait']);
    });

    it('warns once about the inotify limit of this computer', async () => {
      inotifyLimit = '128';
      processes.on(LIST, shown('gone'), shown('Running'), shown('gone'), shown('Running')).on(LAUNCH, {}, {});
      const sameEngine = engine();
      await sameEngine.launch(spec, context);
      await sameEngine.launch(spec, context);
      expect(said.filter((text) => text.includes('max_user_instances'))).toHaveLength(1);
    });

    it('distributes machines over the cluster members in turn', async () => {
      processes
        .on('incus query --quiet /1.0', { stdout: JSON.stringify(CLUSTER) })
        .on('incus query --quiet /1.0/networks/ovn', { stdout: '{"type":"ovn","managed":true}' });
      for (const member of ['m1', 'm2']) processes.on(`incus query --quiet /1.0/cluster/members/${member}`, online);
      const spread = engine({ targets: ['m1', 'm2'], network: 'ovn' });
      for (const name of ['node-2', 'k1', 'node-1']) {
        const running = { stdout: (shown('Running').stdout ?? '').replace('k1', name) };
        const target = name === 'node-2' ? 'm2' : 'm1';
        processes
          .on(LIST, shown('gone'), running)
          .on(`incus launch --quiet images:u/cloud ${name} --target ${target}`, {});
        await spread.launch({ ...spec, name }, context);
      }
      // The member depends on the position in the lab, not on the order of launches.
      expect(launches().map((line) => line.split(' ').slice(4).join(' '))).toEqual([
        'node-2 --target m2',
        'k1 --target m1',
        'node-1 --target m1',
      ]);
    });

    it.each([
      ['Error: Instance "k1" already exists'],
      ['Error: Failed creating instance record: … UNIQUE constraint failed: instances.project_id, instances.name'],
    ])('does not touch a machine that another client created meanwhile: %s', async (stderr) => {
      processes.on(LIST, shown('gone')).on(LAUNCH, { exitCode: 1, stderr });
      await expect(engine().launch(spec, context)).rejects.toMatchObject({ reason: 'foreign-machine' });
      expect(launches()).toHaveLength(1);
    });

    it('waits for an earlier launch that the daemon continues after its client was killed', async () => {
      const busy = (what: string): Answer => ({
        exitCode: 1,
        stderr: `Error: … Instance is busy running a "${what}" operation`,
      });
      processes
        .on(LIST, shown('gone'), shown('Stopped'), shown('Running'))
        .on(LAUNCH, busy('create'))
        .on(START, busy('create'), busy('start'), { exitCode: 1, stderr: 'Error: The instance is already running' });
      expect(await engine().launch(spec, { ...quiet, ...context, unfinished: true })).toBe('found');
      expect(launches()).toHaveLength(1);
      expect(clock.slept).toEqual([2_000, 2_000]);
    });

    it.each([['other'], [null]])('refuses an instance with the label %s', async (lab) => {
      processes.on(LIST, shown('Running', lab));
      await expect(engine().launch(spec, { ...quiet, ...context, ours: true })).rejects.toMatchObject({
        reason: 'foreign-machine',
      });
      expect(launches()).toEqual([]);
    });

    it('deletes the instance of a failed start, and launches once more', async () => {
      const failed: Answer = { exitCode: 1, stderr: 'Error: Failed to run: … forkstart k1 …: exit status 1' };
      processes.on(LIST, shown('gone'), shown('Stopped'), shown('Running')).on(LAUNCH, failed, {}).on(DELETE, {});
      await engine().launch(spec, context);
      expect(launches()).toHaveLength(2);
      expect(processes.lines.filter((line) => line === DELETE)).toHaveLength(1);
    });

    it('continues without kernel modules on a host that cannot load them', async () => {
      const failed: Answer = { exitCode: 1, stderr: "Error: Failed to load kernel module 'br_netfilter': … modprobe" };
      const node = { ...spec, name: 'node-1' };
      const rename = (answer: Answer): Answer => ({ ...answer, stdout: (answer.stdout ?? '').replace('k1', 'node-1') });
      processes
        .on(LIST, shown('gone'), rename(shown('Stopped')), rename(shown('Running')))
        .on('incus launch --quiet images:u/cloud node-1', failed)
        .on('incus config --quiet unset node-1 linux.kernel_modules', {})
        .on('incus start --quiet node-1', {});
      await engine().launch(node, context);
      // The unpacked instance is kept, not deleted and created again.
      const changes = processes.commands.filter(({ effect }) => effect === 'write').map(({ args }) => args[0]);
      expect(changes).toEqual(['launch', 'config', 'start']);
    });

    it('remembers missing kernel modules for each member of a cluster', async () => {
      processes.on('incus query --quiet /1.0', { stdout: JSON.stringify(CLUSTER) });
      processes.on('incus query --quiet /1.0/networks/ovn', { stdout: '{"type":"ovn","managed":true}' });
      for (const member of ['m1', 'm2']) processes.on(`incus query --quiet /1.0/cluster/members/${member}`, online);
      const settings = { targets: ['m1', 'm2'], network: 'ovn', type: 'container' } as const;
      const spread = engine(settings, ['node-1', 'node-2', 'node-3']);
      const failed: Answer = { exitCode: 1, stderr: "Error: Failed to load kernel module 'br_netfilter': … modprobe" };
      for (const [name, member, answer] of [
        ['node-1', 'm1', failed],
        ['node-2', 'm2', {}],
        ['node-3', 'm1', {}],
      ] as const) {
        const as = (answer: Answer): Answer => ({ ...answer, stdout: (answer.stdout ?? '').replace('k1', name) });
        processes
          .on(LIST, shown('gone'), as(shown(name === 'node-1' ? 'Stopped' : 'Running')), as(shown('Running')))
          .on(`incus launch --quiet images:u/cloud ${name} --target ${member}`, answer)
          .on(`incus config --quiet unset ${name} linux.kernel_modules`, {})
          .on(`incus start --quiet ${name}`, {});
        await spread.launch({ ...spec, name }, context);
      }
      const launchInputs = processes.commands
        .filter(({ args }) => args[0] === 'launch')
        .map(({ stdin }) => stdin as string);
      expect(launchInputs.map((each) => each.includes('linux.kernel_modules'))).toEqual([true, true, false]);
    });

    it('waits for a server that is starting', async () => {
      processes
        .on(LIST, shown('gone'), shown('Running'))
        .on(LAUNCH, { exitCode: 1, stderr: "Error: Server isn't ready yet" }, {});
      await engine().launch(spec, context);
      expect(clock.slept).toEqual([2_000]);
    });

    it('reports a machine that stops right after the launch', async () => {
      processes.on(LIST, shown('gone'), shown('Stopped')).on(LAUNCH, {});
      await expect(engine().launch(spec, context)).rejects.toThrow(/stopped at once/);
    });

    it.each([
      [1, 'machine-failed', /cloud-init failed/],
      [127, 'machine-failed', /has no cloud-init/],
    ])('reports cloud-init that exits with %i', async (exitCode, reason, message) => {
      processes.on(LIST, shown('gone'), shown('Running')).on(LAUNCH, {});
      guest['cloud-init status --wait'] = [{ exitCode, stderr: '\u001e\u001e', stdout: 'status: error\u001e' }];
      const thrown: unknown = await engine()
        .launch(spec, context)
        .catch((error: unknown) => error);
      expect(thrown).toMatchObject({ reason });
      expect((thrown as Error).message).toMatch(message);
    });

    it('starts our stopped machine, and recreates an unfinished one that does not start', async () => {
      processes.on(LIST, shown('Stopped'), shown('Running')).on(START, {});
      await engine().launch(spec, context);
      expect(launches()).toEqual([]);

      processes
        .on(LIST, shown('Stopped'), shown('Running'))
        .on(START, { exitCode: 1, stderr: 'Error: Failed to run: forkstart' })
        .on(DELETE, {})
        .on(LAUNCH, {});
      await engine().launch(spec, { ...quiet, ...context, unfinished: true });
      expect(launches()).toHaveLength(1);
    });
  });

  describe('remove', () => {
    it('deletes a machine with our label', async () => {
      processes.on(LIST, shown('Running')).on(DELETE, {});
      await engine().remove('k1', context);
      expect(processes.lines).toEqual([LIST, DELETE]);
    });

    it('waits until the daemon has finished other operations on the machine', async () => {
      const busy: Answer = { exitCode: 1, stderr: 'Error: … Instance is busy running a "create" operation' };
      processes.on(LIST, shown('Stopped')).on(DELETE, busy, busy, {});
      await engine().remove('k1', context);
      expect(clock.slept).toEqual([2_000, 2_000]);
    });

    it.each([['other'], [null]])('refuses to delete a machine with the label %s', async (lab) => {
      processes.on(LIST, shown('Running', lab));
      await expect(engine().remove('k1', context)).rejects.toMatchObject({
        reason: 'foreign-machine',
        facts: { hint: expect.stringContaining('`incus delete --force k1`') as string },
      });
      expect(processes.lines).toEqual([LIST]);
    });

    it('accepts a machine that does not exist or disappears meanwhile', async () => {
      processes.on(LIST, shown('gone'));
      await engine().remove('k1', context);
      processes.on(LIST, shown('Running')).on(DELETE, {
        exitCode: 1,
        stderr:
          'Error: Failed checking instance exists "local:k1": Failed to fetch instance "k1" in project "default": Instance not found',
      });
      await engine().remove('k1', context);
    });
  });

  describe('a machine', () => {
    const command = { file: 'grep', args: ['x'], effect: 'read' } as const;

    it.each([0, 1, 4, 104, 126, 127, 255])('returns the exit code %i of a command', async (exitCode) => {
      guest['grep x'] = [{ exitCode, stdout: 'out\u001e', stderr: 'If this is your first time…\n\u001eerr\u001e' }];
      const machine = engine().machine('k1');
      const result = await machine.run(command, quiet).catch((error: unknown) => (error as CommandError).result);
      expect(result).toMatchObject({ exitCode, stdout: 'out', stderr: 'err' });
    });

    it('reports exit code 255 when Incus itself exits with 1', async () => {
      guest['grep x'] = [{ exitCode: 1, stderr: 'Error: Instance is not running' }];
      await expect(engine().machine('k1').run(command, quiet)).rejects.toMatchObject({
        failure: 'exit',
        result: { exitCode: 255, stderr: 'Error: Instance is not running' },
      });
    });

    it('retries a command only when it never started', async () => {
      const restarting = 'Error: Failed to retrieve PID of executing child process';
      guest['grep x'] = [
        { exitCode: 255, stderr: restarting },
        { stdout: 'ok\u001e', stderr: '\u001e\u001e' },
      ];
      expect(await engine().machine('k1').run(command, quiet)).toMatchObject({ stdout: 'ok' });
      guest['grep x'] = [{ exitCode: 255, stdout: '\u001e', stderr: `\u001e${restarting}\u001e` }];
      guestCommands = [];
      await expect(engine().machine('k1').run(command, quiet)).rejects.toThrow();
      expect(guestCommands).toHaveLength(1);
    });

    it('retries a command that only reads when Incus lost its output', async () => {
      guest['grep x'] = [
        { stdout: '', stderr: '' },
        { exitCode: 59, stdout: '', stderr: '\u001e' },
        { stdout: 'ok\u001e', stderr: '\u001e\u001e' },
      ];
      expect(await engine().machine('k1').run(command, quiet)).toMatchObject({ stdout: 'ok', stderr: '' });
      expect(guestCommands).toHaveLength(3);
    });

    it('does not retry a command that writes, and reports a success without a mark as a lost session', async () => {
      const write = { ...command, effect: 'write' } as const;
      guest['grep x'] = [{ exitCode: 59 }];
      await expect(engine().machine('k1').run(write, quiet)).rejects.toMatchObject({ result: { exitCode: 59 } });
      guest['grep x'] = [{}];
      await expect(engine().machine('k1').run(write, quiet)).rejects.toSatisfy(
        isLostSession as (thrown: unknown) => boolean,
      );
      expect(guestCommands).toHaveLength(2);
    });

    it('has an address while it is running, which is read once', async () => {
      processes.on(LIST, shown('Running'));
      const machine = engine().machine('k1');
      expect([await machine.address(quiet), await machine.address(quiet)]).toEqual(['10.0.0.2', '10.0.0.2']);
      expect(processes.lines).toEqual([LIST]);
      processes.on(LIST, shown('Stopped'));
      await expect(engine().machine('k1').address(quiet)).rejects.toThrow(/not running/);
    });
  });

  it('starts a machine, and accepts one that is already running', async () => {
    processes
      .on(START, { exitCode: 1, stderr: 'Error: The instance is already running\nTry `incus info --show-log k1`' })
      .on(LIST, shown('Running'));
    await engine().start('k1', context);
    expect(processes.lines).toEqual([START, LIST]);
  });

  describe('stop', () => {
    const STOP = 'incus stop --quiet k1';

    it('stops a machine, and accepts one that is already stopped', async () => {
      processes.on(STOP, {}, { exitCode: 1, stderr: 'Error: The instance is already stopped' });
      await engine().stop('k1', context);
      await engine().stop('k1', context);
      expect(processes.lines).toEqual([STOP, STOP]);
    });

    it('reports a machine that does not stop', async () => {
      processes.on(STOP, { exitCode: 1, stderr: 'Error: Failed shutting down instance, status is "Running"' });
      await expect(engine().stop('k1', context)).rejects.toMatchObject({ reason: 'tool-failed' });
    });
  });
});
