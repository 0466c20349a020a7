import { quiet } from '../../support/context.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { CliError } from '../../../src/errors/cli-error.ts';
import { createTestLab, type TestLab } from '../support/lab.ts';
import { IMAGE, PROJECT } from '../support/names.ts';
import { onMachines } from '../support/on-machines.ts';

/** The preflight against a real Incus where something is really missing. */
onMachines('incus', 'the preflight of Incus', (lab) => {
  /** Cleanup functions, which run after the test in reverse order. */
  const undo: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });
  const createLab = async (set: Readonly<Record<string, string>>): Promise<TestLab> => {
    const testLab = await createTestLab('incus', set);
    undo.push(() => rm(testLab.directory, { recursive: true, force: true }));
    return testLab;
  };
  const incus = (...args: string[]): Promise<unknown> =>
    lab().system.processes.run({ file: 'incus', args, effect: 'write', timeoutMs: 60_000 }, quiet);
  const refused = async (set: Readonly<Record<string, string>>, message: RegExp, hint: RegExp): Promise<void> => {
    const thrown: unknown = await (await createLab(set)).engine.probe(quiet).catch((error: unknown) => error);
    if (!(thrown instanceof CliError)) throw new Error('it should not have been ready', { cause: thrown });
    expect(thrown.message).toMatch(message);
    expect(thrown.facts.hint).toMatch(hint);
  };
  const runsVms = async (): Promise<boolean> => {
    const command = { file: 'incus', args: ['query', '/1.0'], effect: 'read', timeoutMs: 60_000 } as const;
    return /"driver": ".*qemu/.test((await lab().system.processes.run(command, quiet)).stdout);
  };

  it('returns the version when nothing is missing', async () => {
    expect((await lab().engine.probe(quiet)).version).toMatch(/^\d+\.\d+/);
  });

  describe('a stopped daemon', () => {
    const DAEMON = [/^The Incus daemon is not running\.$/, /sudo systemctl start incus/] as const;

    it('is reported when it has left its socket behind', async () => {
      const socket = join(lab().directory, 'unix.socket');
      const listen = `require('net').createServer().listen(${JSON.stringify(socket)}, () => console.log('up'))`;
      const daemon = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(daemon.stdout, 'data');
      daemon.kill('SIGKILL');
      await once(daemon, 'exit');
      await refused({ INCUS_SOCKET: socket }, ...DAEMON);
    });

    it('is reported when it was never started', () => refused({ INCUS_SOCKET: '/nonexistent/unix.socket' }, ...DAEMON));
  });

  it('reports a missing remote', () =>
    refused({ INCUS_REMOTE: 'no-such-remote' }, /no remote of that name/, /incus remote list/));

  it('reports a missing project', () =>
    refused(
      { INCUS_PROJECT: 'no-such-project' },
      /no project no-such-project/,
      /incus project create no-such-project/,
    ));

  it('reports a missing image', () =>
    refused(
      { INCUS_IMAGE: 'no-such-image' },
      /no image no-such-image/,
      /incus image copy images:\S+ local: --alias no-/,
    ));

  it('reports a missing network', () =>
    refused({ INCUS_NETWORK: 'nosuchbr0' }, /no network nosuchbr0/, /incus network create nosuchbr0/));

  it('reports a missing bridge that Incus still lists', async () => {
    const bridge = `ivmsx${process.pid % 100_000}`;
    await incus('network', 'create', bridge, 'ipv4.address=none', 'ipv6.address=none');
    undo.push(() => incus('network', 'delete', bridge));
    await (await createLab({ INCUS_NETWORK: bridge })).engine.probe(quiet);
    await lab().system.processes.run({ file: 'ip', args: ['link', 'delete', bridge], effect: 'write' }, quiet);
    await refused(
      { INCUS_NETWORK: bridge },
      new RegExp(`bridge ${bridge} no longer exists`),
      /sudo systemctl restart incus/,
    );
  });

  it('reports an Incus without storage and network that was never set up', async () => {
    const project = `${lab().name}-empty`;
    await incus('project', 'create', project, '-c', 'features.profiles=true', '-c', 'features.images=false');
    undo.push(() => incus('project', 'delete', project));
    const bare = { INCUS_PROJECT: project, INCUS_IMAGE: 'images:ubuntu/22.04/cloud' };
    await refused(bare, /no storage for machines/, /incus admin init --minimal/);
    const add = ['profile', 'device', 'add', 'default', '--project', project];
    await incus(...add, 'root', 'disk', 'path=/', `pool=${PROJECT}`);
    await refused(bare, /no network for machines/, /incus network create incusbr0/);
  });

  it('reports that there is no cluster for INCUS_TARGETS', () =>
    refused({ INCUS_TARGETS: 'm1,m2' }, /in none/, /INCUS_TARGETS empty/));

  it('reports an alias that replaces a command', async () => {
    const directory = join(lab().directory, 'client');
    await mkdir(directory);
    await writeFile(join(directory, 'config.yml'), 'default-remote: local\naliases:\n  list: info\n');
    await refused({ INCUS_CONF: directory }, /aliases .*: list\./, /incus alias remove list/);
  });

  it('reports that virtual machines are requested and cannot run', async (context) => {
    if (await runsVms()) context.skip('this Incus runs virtual machines');
    await refused({ INCUS_TYPE: 'virtual-machine' }, /cannot run any: KVM, QEMU/, /INCUS_TYPE=container/);
  });

  it('reports the type of machine that it chose, and launches that type', async (context) => {
    if (await runsVms()) context.skip(`this Incus would choose a virtual machine, and ${IMAGE} is for containers`);
    const free = await createLab({ INCUS_TYPE: '' });
    undo.push(() => free.cleanUp());
    const { name } = free.config.workloads[0];
    await free.launch(name);
    // Whether there is a warning about inotify instances depends on this computer.
    const [first] = free.messages.filter((text) => !text.startsWith('warning: fs.inotify.'));
    expect(first).toBe(`launching ${name} (as a container: this Incus runs no virtual machines)`);
    expect((await free.engine.machine(name).run({ file: 'true', args: [], effect: 'read' }, quiet)).exitCode).toBe(0);
  });
});
