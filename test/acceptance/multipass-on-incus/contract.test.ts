import { quiet } from '../../support/context.ts';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CommandError } from '../../../src/system/command-error.ts';
import type { CommandResult } from '../../../src/system/system.ts';
import { onMachines } from '../support/on-machines.ts';

interface Given {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

type Answer = CommandResult & { readonly failure?: string };

/** Incus without a listening socket, as with a stopped daemon. */
const DOWN = { env: { INCUS_SOCKET: '/nonexistent/unix.socket' } };
const CLEAN_TIMEOUT_MS = 120_000;

// The numbers are those of docs/facts/multipass.md 8. Cases of the conformance suite are not repeated.
onMachines('multipass', 'the contract of Multipass, on Incus machines', (lab) => {
  const name = (which: string): string => `${lab().config.k3s.master}-${which}`;
  const mp = async (args: string, { stdin, env, timeoutMs = CLEAN_TIMEOUT_MS }: Given = {}): Promise<Answer> => {
    const words = args.split(' ').map((word) => word.replace(/@(\w+)/, (_, which: string) => name(which)));
    const command = {
      ...({ file: 'multipass', args: words, effect: 'write', timeoutMs } as const),
      ...(stdin === undefined ? {} : { stdin }),
      ...(env === undefined ? {} : { env }),
    };
    return lab()
      .system.processes.run(command, quiet)
      .catch((thrown: unknown): Answer => {
        if (!(thrown instanceof CommandError)) throw thrown;
        return { ...thrown.result, failure: thrown.failure };
      });
  };
  const info = async (which: string): Promise<Record<string, unknown>> => {
    const { stdout } = await mp(`info @${which} --format json`);
    return (JSON.parse(stdout) as { info: Record<string, Record<string, unknown>> }).info[name(which)] ?? {};
  };
  /** Expects exit code and stderr; stdout may contain a spinner. */
  const refused = async (args: string, exitCode: number, stderr: RegExp, given: Given = {}): Promise<void> => {
    const answer = await mp(args, given);
    expect({ args, exitCode: answer.exitCode }).toEqual({ args, exitCode });
    expect(answer.stderr).toMatch(stderr);
    expect(answer.stdout.replace(/^\u001b\[2K.*\u001b\[2K\u001b\[0A\u001b\[0E$/s, '')).toBe('');
  };

  beforeAll(async () => {
    const stdin = '## template: jinja\n# a comment\nwrite_files: [{path: /etc/by-cloud-init, content: here}]\n';
    const { stdout } = await mp('launch 24.04 -n @k1 -c 2 -m 1G -d 5G --cloud-init -', { stdin, timeoutMs: 290_000 });
    expect(stdout).toMatch(new RegExp(`\u001b\\[2K[^]*Launched: ${name('k1')}\n$`));
  });

  it('3, 8: describes what it launched in JSON of the right types', async () => {
    expect(await info('k1')).toMatchObject({
      state: 'Running',
      cpu_count: '2',
      disks: { sda1: { total: expect.any(String) as string } },
      memory: { total: 2 ** 30 },
      ipv4: [expect.stringMatching(/^\d+(\.\d+){3}$/)],
      mounts: {},
      snapshot_count: '0',
    });
    expect((await mp('exec -n @k1 -- cat /etc/by-cloud-init')).stdout).toBe('here');
    expect((await mp('get local.@k1.cpus')).stdout).toBe('2\n');
    const { stdout } = await mp('list --format json');
    expect(JSON.parse(stdout)).toEqual({
      list: [
        {
          ipv4: [expect.any(String)],
          name: name('k1'),
          release: expect.stringContaining('Ubuntu') as string,
          state: 'Running',
        },
      ],
    });
  });

  it('4-7: rejects a launch in the order of client and daemon and creates nothing', async () => {
    await refused('launch -n @k1', 2, /^launch failed: instance ".*" already exists/);
    for (const bad of ['1abc', 'a_b', 'a-', 'a.b']) {
      await refused(`launch -n ${bad}`, 2, /Invalid arguments supplied\nInvalid instance name supplied: /);
    }
    await refused('launch -n @k2 -c 0', 1, /invalid CPU count '0'/);
    await refused('launch -n @k2 -m 1CiG', 1, /is not a valid memory size/);
    await refused('launch -n @k2 -m 64M', 2, /Invalid memory size value supplied: 64M\./);
    await refused('launch -n @k2 -d 100M', 2, /Invalid disk size value supplied: 100M\./);
    await refused('launch nosuch -n @k2', 2, /^launch failed: Unable to find an image matching "nosuch" in remote ""/);
    await refused('launch -n @k2 --cloud-init /absent.yaml', 1, /Could not load cloud-init configuration: /);
    await refused('launch -n @k2 --cloud-init -', 1, /Could not load cloud-init configuration: /, { stdin: '[1, 2' });
    await refused('launch -n @k2 --timeout 0', 1, /positive integer/);
    await refused('info @k2 --format json', 2, /does not exist/);
  });

  it('11: prints and deletes nothing when one of several machines is missing', async () => {
    const words = /^info failed: The following errors occurred:\ninstance "nosuch" does not exist/;
    await refused('info nosuch --format json', 2, words);
    await refused('info @k1 nosuch --format json', 2, words);
    await refused('delete @k1 nosuch', 2, /instance "nosuch" does not exist/);
    expect(await info('k1')).toMatchObject({ state: 'Running' });
  });

  it('13, 14: passes everything after -- to the command', async () => {
    expect(await mp('exec -n @k1 -- nosuchcmd')).toMatchObject({ exitCode: 127, stdout: '' });
    await refused('exec @k1 ls --color', 1, /Unknown option 'color'.*\n?.*should come after "--"/s);
    await refused('exec @k1', 1, /Wrong number of arguments/);
    await refused('exec -n -d /x @k1 -- ls', 1, /clash/);
    expect((await mp('exec -d /etc @k1 -- pwd')).stdout).toBe('/etc\n');
    expect((await mp('exec -n @k1 -- whoami')).stdout).toBe('ubuntu\n');
  });

  it('15: never returns from a command that exits with 4', async () => {
    const four = { file: 'multipass', args: ['exec', '-n', name('k1'), '--', 'sh', '-c', 'exit 4'] };
    const endless = lab().system.processes.run({ ...four, effect: 'write', timeoutMs: 4_000 }, quiet);
    await expect(endless).rejects.toMatchObject({ failure: 'timed-out' });
  });

  it('16: streams files', async () => {
    expect(await mp('transfer - @k1:f', { stdin: 'data' })).toMatchObject({ exitCode: 0, stdout: '' });
    expect((await mp('transfer @k1:f -')).stdout).toBe('data');
    expect((await mp('exec -n @k1 -- stat -c %U:%a /home/ubuntu/f')).stdout).toMatch(/^ubuntu:6[46]4\n$/);
    await refused('transfer - @k1:no/such/f', 2, /remote target does not exist/, { stdin: 'x' });
    expect(await mp('transfer -p - @k1:no/such/f', { stdin: 'x' })).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await mp('transfer - @k1:no/such', { stdin: 'y' })).toMatchObject({ exitCode: 0 });
    expect((await mp('transfer @k1:no/such/stream_output.dat -')).stdout).toBe('y');
    await refused('transfer @k1:absent -', 2, /cannot open remote file .*No such file/);
    await refused('transfer - @k1:/root/f', 2, /cannot open remote file .*Permission denied/, { stdin: 'x' });
  });

  it('16: transfers files of this computer, and leaves the target empty when the source is missing', async () => {
    const { directory } = lab();
    const [local, tree] = [join(directory, 'local'), join(directory, 'tree')];
    await mkdir(tree, { recursive: true });
    await Promise.all([writeFile(local, 'from here', { mode: 0o640 }), writeFile(join(tree, 'leaf'), 'green')]);
    expect((await mp(`transfer ${local} @k1:there`)).exitCode).toBe(0);
    expect((await mp('exec -n @k1 -- stat -c %a there')).stdout).toBe('640\n');
    expect((await mp(`transfer -r ${tree} @k1:`)).exitCode).toBe(0);
    expect((await mp(`transfer @k1:tree/leaf ${local}`)).exitCode).toBe(0);
    expect(await readFile(local, 'utf8')).toBe('green');
    await refused(`transfer @k1:absent ${local}`, 2, /No such file/);
    expect(await readFile(local, 'utf8')).toBe('');
  });

  it('17: explains why it refuses a transfer', async () => {
    await refused('transfer /absent @k1:', 2, /cannot access .*No such file or directory/);
    await refused(`transfer ${lab().directory} @k1:`, 2, /recursive mode not specified/);
    await refused('transfer a', 1, /Not enough arguments given/);
    await refused('transfer a b', 1, /An instance name is needed/);
    await refused('transfer @k1:a @k1:b', 1, /Cannot specify an instance name for both/);
    await refused('transfer - - @k1:', 1, /Only one '-' allowed/);
  });

  it('9: times out at its own limit while the daemon continues', async () => {
    await refused('launch 22.04 -n @k9 --timeout 1', 5, /^Timed out waiting for instance launch\./);
    expect(['Running', 'Starting']).toContain((await info('k9'))['state']);
    expect((await mp('delete --purge @k9')).exitCode).toBe(0);
  });

  it('10: keeps a machine that does not respond and reports it as Unknown', async () => {
    const env = { MULTIPASS_ON_INCUS_TIMEOUT: '6' };
    const stdin = 'bootcmd: [[systemctl, mask, --now, ssh.service, ssh.socket]]\n';
    const words = new RegExp(
      `launch failed: The following errors occurred:\n${name('k5')}: timed out waiting for response`,
    );
    await refused('launch 22.04 -n @k5 --cloud-init -', 2, words, { env, stdin });
    expect(await info('k5')).toMatchObject({ state: 'Unknown', ipv4: [] });
    await refused('exec -n @k5 -- true', 2, /Cannot retrieve credentials in unknown state/);
    await refused('start @k5', 2, /already running, but in an unknown state/);
    expect((await mp('delete --purge @k5')).exitCode).toBe(0);
  });

  describe('a stopped machine', () => {
    beforeAll(async () => {
      expect((await mp('stop @k1')).exitCode).toBe(0);
    });

    it('2, 12: is reported with empty strings for unknown values', async () => {
      expect(await info('k1')).toEqual({
        ...{ cpu_count: '', disks: { sda1: {} }, image_hash: '', image_release: '22.04 LTS', ipv4: [], load: [] },
        ...{ memory: {}, mounts: {}, release: '', snapshot_count: '0', state: 'Stopped' },
      });
    });

    it('17, 19: is not started by a transfer, a stop, or a restart', async () => {
      await refused('transfer - @k1:f', 2, /instance ".*" is not running/, { stdin: 'x' });
      await refused('restart @k1', 2, /^restart failed: Instance '.*' is already running, but in an unknown state/);
      expect((await mp('stop @k1')).exitCode).toBe(0);
      expect(await info('k1')).toMatchObject({ state: 'Stopped' });
    });

    it('15: is started by exec, with a spinner before the output', async () => {
      const { exitCode, stdout } = await mp('exec -n @k1 -- echo out');
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(
        new RegExp(`^\u001b\\[2K.*Starting ${name('k1')}.*\u001b\\[2K\u001b\\[0A\u001b\\[0Eout\n$`, 's'),
      );
      expect(await info('k1')).toMatchObject({ state: 'Running' });
      expect((await mp('start @k1')).exitCode).toBe(0);
    });
  });

  it('15, 18, 19: deletes, recovers and purges a machine', async () => {
    expect((await mp('purge')).exitCode).toBe(0);
    expect((await mp('delete @k1')).exitCode).toBe(0);
    expect((await mp('delete @k1')).exitCode).toBe(0);
    expect(await info('k1')).toMatchObject({ state: 'Deleted', ipv4: [] });
    await refused('exec -n @k1 -- true', 2, /instance ".*" is deleted/);
    await refused('start @k1', 2, /Instance '.*' is deleted/);
    await refused('launch -n @k1', 2, /already exists/);
    expect((await mp('recover @k1')).exitCode).toBe(0);
    expect(await info('k1')).toMatchObject({ state: 'Stopped' });
    expect((await mp('delete --purge @k1')).exitCode).toBe(0);
    const gone = /instance ".*" does not exist/;
    await refused('info @k1 --format json', 2, gone);
    await refused('delete --purge @k1', 2, gone);
    await refused('delete', 1, /Name argument or --all is required/);
    await refused('purge x', 1, /takes no arguments/);
    await refused('start nosuch', 2, /Instance 'nosuch' does not exist/);
    await refused(
      'exec -n nosuch -- true',
      2,
      /^exec failed: The following errors occurred:\ninstance "nosuch" does not exist\n$/,
    );
    await refused('exec nosuch -- true', 2, /(instance "nosuch" does not exist\n[^]*){2}/);
    expect((await mp('list --format json')).stdout).toBe('{\n    "list": [\n    ]\n}\n');
  });

  it('1, 20: reports only the version of the client when the daemon is down', async () => {
    expect(JSON.parse((await mp('version --format json')).stdout)).toEqual({
      multipass: '1.16.3',
      multipassd: '1.16.3',
    });
    expect(JSON.parse((await mp('version --format json', DOWN)).stdout)).toEqual({ multipass: '1.16.3' });
    for (const args of ['list --format json', 'launch -n @k1', 'exec -n @k1 -- true']) {
      await refused(args, 2, /failed: cannot connect to the multipass socket/, DOWN);
    }
  });

  it('20: supports its other commands, but not those of later versions', async () => {
    expect(await mp('frobnicate')).toMatchObject({
      ...{ exitCode: 1, stderr: '' },
      stdout: expect.stringContaining("Error: Unknown command or alias 'frobnicate'") as string,
    });
    expect((await mp('wait-ready')).exitCode).toBe(1);
    expect(JSON.parse((await mp('networks --format json')).stdout)).toMatchObject({ list: [{ type: 'bridge' }] });
    expect(JSON.parse((await mp('find nosuch --format json')).stdout)).toEqual({ errors: [], images: {} });
    await refused('get local.nosuch.cpus', 2, /reason: No such instance/);
    await refused('list --format nonsense', 1, /Invalid format type given/);
  });
});
