import { quiet } from '../../../support/context.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import type { MachineEngine } from '../../../../src/machines/machine.ts';
import { execCommand, launchCommand } from '../../../../src/machines/multipass/argv.ts';
import { createMultipass } from '../../../../src/machines/multipass/engine.ts';
import { quoteCommand } from '../../../../src/system/quote.ts';
import { fakeClock } from '../../../support/fake-clock.ts';
import { fakeProcesses, type Answer, type FakeProcesses, type Reply } from '../../../support/fake-processes.ts';

const LIST = 'multipass list --format json';
const INFO = 'multipass info k1 --format json';
const DELETE = 'multipass delete --purge k1';
const spec = { name: 'k1', release: '22.04', cpus: 2, memory: '1G', disk: '4G', cloudInit: {} };
const lineOf = (command: { file: string; args: readonly string[] }): string => quoteCommand(command.file, command.args);
const LAUNCH = lineOf(launchCommand(spec));
const onGuest = (...argv: [string, ...string[]]): string =>
  lineOf(execCommand('k1', { file: argv[0], args: argv.slice(1), effect: 'read' }));
const CLOUD_INIT = lineOf(
  execCommand('k1', { file: 'cloud-init', args: ['status', '--wait'], effect: 'read', timeoutMs: 900_000 }),
);

const info = (state: string, ...ipv4: string[]): Reply => ({
  stdout: JSON.stringify({ errors: [], info: { k1: { state, ipv4 } } }),
});
const absent: Reply = {
  exitCode: 2,
  stderr: 'info failed: The following errors occurred:\ninstance "k1" does not exist',
};
const timedOut: Reply = {
  exitCode: 2,
  stderr: 'launch failed: The following errors occurred:\nk1: timed out waiting for response',
};

describe('createMultipass', () => {
  let processes: FakeProcesses;
  let clock: ReturnType<typeof fakeClock>;
  let engine: MachineEngine;
  let said: string[];
  const context = { ...quiet, say: (text: string) => void said.push(text) };

  beforeEach(() => {
    said = [];
    processes = fakeProcesses();
    clock = fakeClock();
    engine = createMultipass({
      system: { processes, clock, files: { read: () => Promise.resolve(undefined) } as never },
      place: { text: 'PLACE', lab: 'mine' },
    });
  });

  describe('a daemon that restarts', () => {
    const unreachable: Reply = { exitCode: 2, stderr: 'list failed: cannot connect to the multipass socket' };

    it('is queried again', async () => {
      processes.on(LIST, unreachable, unreachable, { stdout: '{"list":[]}' });
      expect(await engine.list(quiet)).toEqual([]);
      expect(clock.slept).toEqual([2_000, 4_000]);
    });

    it('is reported with its own message when it stays unreachable', async () => {
      processes.on(LIST, unreachable, unreachable, unreachable, unreachable);
      await expect(engine.list(quiet)).rejects.toMatchObject({ reason: 'engine-unavailable' });
    });
  });

  describe('a lost session', () => {
    const TRUE = onGuest('true');
    const lost: Reply = { exitCode: 255 };

    it('is replaced by another one when the command only reads', async () => {
      processes.on(TRUE, lost, {});
      await engine.machine('k1').run({ file: 'true', args: [], effect: 'read' }, quiet);
      expect(clock.slept).toEqual([1_000]);
    });

    it('fails the command when it writes, and is reported to onLost', async () => {
      let lostSessions = 0;
      engine = createMultipass({
        system: { processes, clock, files: { read: () => Promise.resolve(undefined) } as never },
        place: { text: 'PLACE', lab: 'mine' },
        onLost: () => (lostSessions += 1),
      });
      const write = { file: 'true', args: [], effect: 'write' } as const;
      processes.on(lineOf(execCommand('k1', write)), lost);
      await expect(engine.machine('k1').run(write, quiet)).rejects.toMatchObject({
        result: { exitCode: 255 },
      });
      expect({ lostSessions, slept: clock.slept }).toEqual({ lostSessions: 1, slept: [] });
    });
  });

  describe('probe', () => {
    it('returns the version when the service answers', async () => {
      processes.on('multipass version --format json', { stdout: '{"multipass":"1.16.3","multipassd":"1.16.3"}' });
      expect(await engine.probe(quiet)).toEqual({ version: '1.16.3' });
    });

    it.each<[string, Reply, string]>([
      ['the service is down', { stdout: '{"multipass":"1.16.3"}' }, 'engine-unavailable'],
      ['it is not installed', { failure: 'not-found' }, 'tool-missing'],
      [
        'it was never started',
        { exitCode: 1, stderr: `failed to open file '/x/multipass_root_cert.pem'` },
        'engine-unavailable',
      ],
    ])('reports that %s', async (_, reply, reason) => {
      processes.on('multipass version --format json', reply);
      await expect(engine.probe(quiet)).rejects.toMatchObject({ reason });
    });
  });

  describe('list', () => {
    it('never shares an answer with a later caller, which may depend on newer changes', async () => {
      let resolveFirst: (answer: Answer) => void = () => undefined;
      const slow = new Promise<Answer>((resolve) => (resolveFirst = resolve));
      processes.on(LIST, () => slow, { stdout: '{"list":[{"name":"k1","state":"Running","ipv4":["10.1.1.2"]}]}' });
      const before = engine.list(quiet);
      expect(await engine.machine('k1').address(quiet)).toBe('10.1.1.2');
      resolveFirst({ stdout: '{"list":[]}' });
      expect(await before).toEqual([]);
    });

    it('reports that the service is down', async () => {
      processes.on(LIST, { exitCode: 2, stderr: 'list failed: cannot connect to the multipass socket' });
      await expect(engine.list(quiet)).rejects.toMatchObject({ reason: 'engine-unavailable' });
    });
  });

  describe('launch', () => {
    const done: Reply = { stdout: '\nstatus: done\n' };
    /** The commands other than `info` and `list`. */
    const changes = (): string[] => processes.lines.filter((line) => line !== INFO && line !== LIST);

    /** The name is free before the launch; afterwards the machine has an address. */
    const free: Reply = () =>
      processes.lines.includes(LAUNCH)
        ? { stdout: '{"list":[{"name":"k1","state":"Running","ipv4":["10.1.1.2"]}]}' }
        : { stdout: '{"list":[{"name":"other","state":"Running","ipv4":["10.1.1.9"]}]}' };
    /** The machine exists before the launch. */
    const existing = (before: string): Reply => {
      let state = before;
      return () => {
        const stdout = JSON.stringify({ list: [{ name: 'k1', state, ipv4: ['10.1.1.2'] }] });
        state = 'Running';
        return { stdout };
      };
    };

    beforeEach(() => void processes.on(LIST, free));

    it('succeeds when cloud-init does', async () => {
      processes.on(LAUNCH, { stdout: 'Launched: k1' }).on(CLOUD_INIT, done);
      await engine.launch(spec, context);
      expect(processes.lines).toEqual([LIST, LAUNCH, CLOUD_INIT, LIST]);
    });

    it.each<[string, Reply]>([
      ['the daemon timed out', timedOut],
      ['the client timed out', { exitCode: 5, stderr: 'Timed out waiting for instance launch.' }],
      [
        'cloud-init timed out',
        { exitCode: 2, stderr: 'launch failed: timed out waiting for initialization to complete' },
      ],
      ['our own time limit expired', { failure: 'timed-out' }],
    ])('treats a failure as a success when the machine is running: %s', async (_, failure) => {
      processes.on(LAUNCH, failure).on(INFO, info('Running', '10.1.1.2')).on(CLOUD_INIT, done);
      await engine.launch(spec, context);
      expect(processes.lines).toEqual([LIST, LAUNCH, INFO, CLOUD_INIT, LIST]);
    });

    it('waits for a machine that is still starting', async () => {
      processes.on(LAUNCH, timedOut).on(INFO, info('Starting'), info('Unknown'), info('Running')).on(CLOUD_INIT, done);
      await engine.launch(spec, context);
      expect(clock.slept).toEqual([5000, 5000]);
    });

    it('deletes a machine that does not come up, and tries once more', async () => {
      processes
        .on(LAUNCH, timedOut, { stdout: 'Launched: k1' })
        .on(INFO, info('Unknown'))
        .on(DELETE, {})
        .on(CLOUD_INIT, done);
      await engine.launch(spec, context);
      expect(changes()).toEqual([LAUNCH, DELETE, LAUNCH, CLOUD_INIT]);
      expect(clock.now()).toBeLessThanOrEqual(185_000);
      expect(said.at(-2)).toBe('retrying the launch of k1');
    });

    it('gives up after the second attempt, and keeps the machine for inspection', async () => {
      processes.on(LAUNCH, timedOut, timedOut).on(INFO, info('Unknown')).on(DELETE, {});
      await expect(engine.launch(spec, context)).rejects.toMatchObject({ reason: 'timed-out' });
      expect(changes()).toEqual([LAUNCH, DELETE, LAUNCH]);
    });

    it('does not retry a refused launch', async () => {
      processes
        .on(LAUNCH, { exitCode: 2, stderr: 'launch failed: Unable to find an image matching "22.4" in remote "".' })
        .on(INFO, absent);
      await expect(engine.launch(spec, context)).rejects.toMatchObject({ reason: 'invalid-configuration' });
      expect(processes.lines).toEqual([LIST, LAUNCH]);
    });

    it('waits for a daemon that was just started', async () => {
      const unknownRemote: Reply = { exitCode: 2, stderr: 'launch failed: Remote "" is unknown or unreachable.' };
      processes.on(LAUNCH, unknownRemote, unknownRemote, {}).on(CLOUD_INIT, done);
      await engine.launch(spec, context);
      expect(clock.slept).toEqual([5_000, 10_000]);
    });

    it('reports at the end that the image server cannot be reached', async () => {
      processes
        .on(LAUNCH, { exitCode: 2, stderr: 'launch failed: Remote "" is unknown or unreachable.' })
        .on(INFO, absent);
      await expect(engine.launch(spec, context)).rejects.toMatchObject({ reason: 'engine-unavailable' });
    });

    it.each([
      ['Running', 'There is a machine k1 already (running)', '`multipass delete --purge k1`'],
      ['Unknown', 'There is a machine k1 already (unknown)', '`multipass delete --purge k1`'],
      ['Deleted', 'A deleted machine still holds the name k1', '`multipass recover k1`'],
    ])('never touches a machine that existed before: %s', async (state, message, command) => {
      processes.on(LIST, existing(state));
      await expect(engine.launch(spec, context)).rejects.toMatchObject({
        reason: 'foreign-machine',
        message: expect.stringContaining(message) as string,
        facts: { hint: expect.stringContaining(command) as string },
      });
      expect(changes()).toEqual([]);
    });

    it('never touches a machine that another client created meanwhile', async () => {
      processes.on(LAUNCH, { exitCode: 2, stderr: 'launch failed: instance "k1" already exists' });
      await expect(engine.launch(spec, context)).rejects.toMatchObject({ reason: 'foreign-machine' });
      expect(changes()).toEqual([LAUNCH]);
    });

    it('recognizes the machine of its own first attempt', async () => {
      const exists: Reply = { exitCode: 2, stderr: 'launch failed: instance "k1" already exists' };
      processes.on(LAUNCH, { exitCode: 5, stderr: 'Timed out waiting for instance launch.' }, exists);
      processes.on(INFO, absent, info('Running')).on(DELETE, absent).on(CLOUD_INIT, done);
      await engine.launch(spec, context);
      expect(changes()).toEqual([LAUNCH, DELETE, LAUNCH, CLOUD_INIT]);
    });

    it('survives a restart of the daemon', async () => {
      const unreachable: Reply = { exitCode: 2, stderr: 'launch failed: cannot connect to the multipass socket' };
      const exists: Reply = { exitCode: 2, stderr: 'launch failed: instance "k1" already exists' };
      const noInfo: Reply = { exitCode: 2, stderr: 'info failed: cannot connect to the multipass socket' };
      processes
        .on(LAUNCH, unreachable, exists)
        .on(INFO, noInfo, info('Starting'), info('Running'))
        .on(CLOUD_INIT, done);
      await engine.launch(spec, context);
      expect(changes()).toEqual([LAUNCH, LAUNCH, CLOUD_INIT]);
    });

    it('returns when the machine has its address', async () => {
      const noAddress: Reply = { stdout: '{"list":[{"name":"k1","state":"Running","ipv4":["N/A"]}]}' };
      processes.on(LIST, free, noAddress, noAddress, free).on(LAUNCH, {}).on(CLOUD_INIT, done);
      await engine.launch(spec, context);
      expect(clock.slept).toEqual([2000, 2000]);
      expect(await engine.machine('k1').address(quiet)).toBe('10.1.1.2');
    });

    describe('a machine that is already ours', () => {
      const ours = { ...quiet, ...context, ours: true, say: (text: string) => void said.push(text) };

      it.each(['Running', 'Starting'])('is waited for instead of launched: %s', async (state) => {
        processes.on(LIST, existing(state)).on(INFO, info(state), info('Running')).on(CLOUD_INIT, done);
        await engine.launch(spec, ours);
        expect(changes()).toEqual([CLOUD_INIT]);
      });

      it('is purged first when it was deleted', async () => {
        processes.on(LIST, existing('Deleted')).on(DELETE, {}).on(LAUNCH, {}).on(CLOUD_INIT, done);
        await engine.launch(spec, ours);
        expect(changes()).toEqual([DELETE, LAUNCH, CLOUD_INIT]);
      });

      it('is kept when it does not come up', async () => {
        processes.on(LIST, existing('Unknown')).on(INFO, info('Unknown'));
        await expect(engine.launch(spec, ours)).rejects.toMatchObject({ reason: 'machine-failed' });
        expect(changes()).toEqual([]);
      });
    });

    describe('a launch of an earlier run whose client was killed', () => {
      const cut = { ...quiet, ...context, ours: true, unfinished: true, say: (text: string) => void said.push(text) };
      const preparing: Reply = { exitCode: 2, stderr: 'launch failed: instance "k1" is being prepared' };
      const exists: Reply = { exitCode: 2, stderr: 'launch failed: instance "k1" already exists' };

      it('may finish between our check and our launch', async () => {
        processes.on(LAUNCH, exists).on(INFO, info('Starting'), info('Running')).on(CLOUD_INIT, done);
        expect(await engine.launch(spec, cut)).toBe('found');
        expect(changes()).toEqual([LAUNCH, CLOUD_INIT]);
      });

      it('is waited for while the daemon works on it', async () => {
        processes.on(LAUNCH, preparing, preparing, exists).on(INFO, info('Running')).on(CLOUD_INIT, done);
        expect(await engine.launch(spec, cut)).toBe('found');
        expect(changes()).toEqual([LAUNCH, LAUNCH, LAUNCH, CLOUD_INIT]);
        expect(said.slice(0, 2)).toEqual(['launching k1', 'k1: Multipass is still preparing it']);
        expect(said.filter((text) => text.includes('preparing'))).toHaveLength(1);
      });

      it('is started again when a restarted daemon does not know it', async () => {
        processes.on(LAUNCH, preparing, {}).on(CLOUD_INIT, done);
        expect(await engine.launch(spec, cut)).toBe('launched');
      });

      it('may be one of another client, whose machine is not touched', async () => {
        processes.on(LAUNCH, preparing, exists);
        await expect(engine.launch(spec, context)).rejects.toMatchObject({ reason: 'foreign-machine' });
        expect(changes()).toEqual([LAUNCH, LAUNCH]);
      });

      it('is reported as timed out, and not as a foreign machine, when it never finishes', async () => {
        processes.on(LAUNCH, preparing);
        await expect(engine.launch(spec, cut)).rejects.toMatchObject({ reason: 'timed-out' });
        expect(clock.now()).toBeLessThan(1_000_000);
      });

      it('does not count as an attempt of our own launch', async () => {
        processes.on(LAUNCH, timedOut, exists, {}).on(INFO, info('Unknown')).on(DELETE, {}).on(CLOUD_INIT, done);
        expect(await engine.launch(spec, context)).toBe('launched');
        expect(changes()).toEqual([LAUNCH, DELETE, LAUNCH, DELETE, LAUNCH, CLOUD_INIT]);
      });

      it('is kept for inspection when it blocks the launch repeatedly', async () => {
        processes.on(LAUNCH, exists).on(INFO, info('Unknown')).on(DELETE, {});
        await expect(engine.launch(spec, cut)).rejects.toMatchObject({ reason: 'machine-failed' });
        expect(changes()).toEqual([LAUNCH, DELETE, LAUNCH, DELETE, LAUNCH]);
      });
    });

    it('starts nothing after an interrupt', async () => {
      processes.on(LAUNCH, { failure: 'aborted' });
      await expect(engine.launch(spec, context)).rejects.toMatchObject({ reason: 'interrupted' });
      expect(processes.lines).toEqual([LIST, LAUNCH]);
    });

    it('warns when cloud-init recovered from errors', async () => {
      processes.on(LAUNCH, {}).on(CLOUD_INIT, { exitCode: 2, stdout: '\u001estatus: done' });
      await engine.launch(spec, context);
      expect(said.at(-1)).toContain('with warnings');
    });

    it('fails when cloud-init failed, and says how to inspect it', async () => {
      processes.on(LAUNCH, {}).on(CLOUD_INIT, { exitCode: 1, stdout: '\u001estatus: error' });
      await expect(engine.launch(spec, context)).rejects.toMatchObject({
        reason: 'machine-failed',
        facts: { hint: expect.stringContaining('cloud-init status --long') as string, stderrTail: 'status: error' },
      });
    });

    it('does not treat a lost session as a result of cloud-init', async () => {
      const lost: Reply = { exitCode: 2, stderr: "exec failed: ssh connection failed: 'Timeout connecting'" };
      processes.on(LAUNCH, {}).on(CLOUD_INIT, lost, done);
      await engine.launch(spec, context);
      expect(clock.slept).toEqual([1_000]);
    });
  });

  describe('start, stop and remove', () => {
    const START = 'multipass start k1 --timeout 300';

    it('treat a start that timed out as a success when the machine is running', async () => {
      processes.on(LIST, { stdout: '{"list":[{"name":"k1","state":"Running","ipv4":["10.1.1.2"]}]}' });
      processes
        .on(START, { exitCode: 5, stderr: 'Timed out waiting for instance to start.' })
        .on(INFO, info('Running'));
      await engine.start('k1', context);
    });

    it('report a failed start', async () => {
      processes
        .on(START, { exitCode: 2, stderr: "Instance 'k1' is already running, but in an unknown state." })
        .on(INFO, info('Unknown'));
      await expect(engine.start('k1', context)).rejects.toMatchObject({ reason: 'machine-failed' });
    });

    it('stop a machine, and accept one that is suspended', async () => {
      const suspended = { exitCode: 2, stderr: 'stop failed: Cannot shut down suspended instance k1.' };
      processes.on('multipass stop k1', {}, suspended);
      await engine.stop('k1', context);
      await engine.stop('k1', context);
      expect(processes.lines).toEqual(['multipass stop k1', 'multipass stop k1']);
    });

    it('report a machine that cannot be stopped', async () => {
      processes.on('multipass stop k1', { exitCode: 2, stderr: 'stop failed: instance "k1" does not exist' });
      await expect(engine.stop('k1', context)).rejects.toMatchObject({ reason: 'machine-failed' });
    });

    it('remove exactly one machine, and accept that it does not exist', async () => {
      processes.on(DELETE, {
        exitCode: 2,
        stderr: 'delete failed: The following errors occurred:\ninstance "k1" does not exist',
      });
      await engine.remove('k1', context);
      expect(processes.lines).toEqual([DELETE]);
    });

    it('report a failed removal', async () => {
      processes.on(DELETE, { exitCode: 2, stderr: 'delete failed: cannot connect to the multipass socket' });
      await expect(engine.remove('k1', context)).rejects.toMatchObject({ reason: 'engine-unavailable' });
    });
  });

  describe('a machine', () => {
    it('runs a command, restores exit code 4, and drops the spinner', async () => {
      const noise = '\u001b[2KStarting k1  \b|\u001b[2K\u001b[0A\u001b[0E';
      processes.on(onGuest('systemctl', 'status', 'x'), {
        exitCode: 104,
        stdout: `${noise}\u001enone`,
        stderr: 'x\u001f',
      });
      const run = engine.machine('k1').run({ file: 'systemctl', args: ['status', 'x'], effect: 'read' }, quiet);
      await expect(run).rejects.toMatchObject({
        name: 'CommandError',
        result: { exitCode: 4, stdout: 'none', stderr: 'x' },
      });
    });

    it('distinguishes a failure of Multipass from an exit code of the command', async () => {
      const stderr = 'exec failed: The following errors occurred:\ninstance "k1" does not exist\n';
      processes.on(onGuest('x'), { exitCode: 2, stderr });
      const run = engine.machine('k1').run({ file: 'x', args: [], effect: 'read' }, quiet);
      await expect(run).rejects.toMatchObject({ failure: 'exit', command: { origin: 'engine' }, result: { stderr } });
      expect(processes.lines).toHaveLength(1);
    });

    it.each([
      ['x86_64', 'amd64'],
      ['aarch64', 'arm64'],
    ])('reports %s as %s, and reads it once', async (uname, arch) => {
      processes.on(onGuest('uname', '-m'), { stdout: `${uname}\n` });
      expect(await engine.machine('k1').arch(quiet)).toBe(arch);
      expect(await engine.machine('k1').arch(quiet)).toBe(arch);
      expect(processes.lines).toHaveLength(1);
    });

    it('is refused when its CPU is not supported', async () => {
      processes.on(onGuest('uname', '-m'), { stdout: 'riscv64\n' });
      await expect(engine.machine('k1').arch(quiet)).rejects.toMatchObject({ reason: 'wrong-architecture' });
    });

    const listed = (...machines: [name: string, state: string, ...ipv4: string[]][]): Reply => ({
      stdout: JSON.stringify({ list: machines.map(([name, state, ...ipv4]) => ({ name, state, ipv4 })) }),
    });

    it('waits for its address, and selects the one in the network of the other machines', async () => {
      processes.on(
        LIST,
        listed(['k1', 'Running', 'N/A']),
        listed(['k1', 'Running', '10.42.0.1', '172.17.0.1', '192.168.64.2'], ['k2', 'Running', '192.168.64.3']),
      );
      expect(await engine.machine('k1').address(quiet)).toBe('192.168.64.2');
      expect(await engine.machine('k1').address(quiet)).toBe('192.168.64.2');
      expect(processes.lines).toHaveLength(2);
    });

    it('reads its address again after a start', async () => {
      processes.on('multipass start k1 --timeout 300', {});
      processes.on(LIST, listed(['k1', 'Running', '10.1.1.2']), listed(['k1', 'Running', '10.1.1.9']));
      expect(await engine.machine('k1').address(quiet)).toBe('10.1.1.2');
      await engine.start('k1', context);
      expect(await engine.machine('k1').address(quiet)).toBe('10.1.1.9');
    });

    it('gives up waiting for its address, and has none when it is stopped', async () => {
      processes.on(LIST, listed(['k1', 'Running', 'N/A']));
      await expect(engine.machine('k1').address(quiet)).rejects.toMatchObject({ reason: 'timed-out' });
      processes.on(LIST, listed(['k1', 'Stopped']));
      await expect(engine.machine('k1').address(quiet)).rejects.toMatchObject({ reason: 'machine-failed' });
      processes.on(LIST, listed());
      await expect(engine.machine('k1').address(quiet)).rejects.toThrow('no machine k1');
    });
  });
});
