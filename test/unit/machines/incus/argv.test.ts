import { describe, expect, it } from 'vitest';
import * as argv from '../../../../src/machines/incus/argv.ts';
import {
  binarySize,
  launchSettings,
  withoutModules,
  type LaunchOptions,
} from '../../../../src/machines/incus/launch-settings.ts';
import type { Command } from '../../../../src/system/system.ts';

const spec = {
  name: 'k1',
  release: '22.04',
  cpus: 2,
  memory: '1G',
  disk: '4G',
  cloudInit: { write_files: [{ path: '/a', content: 'x\n' }] },
};
const options: LaunchOptions = {
  lab: 'mine',
  image: 'images:ubuntu/22.04/cloud',
  type: 'container',
  node: false,
  profile: { root: { type: 'disk', path: '/', pool: 'p' }, eth0: { type: 'nic', network: 'n' } },
  serverVersion: '6.0.4',
};
const launch = launchSettings(spec, options);
const far = { remote: 'far', project: 'p1' };

describe('incus argv', () => {
  it.each<[string, Command, 'read' | 'write']>([
    ['list --quiet --format json', argv.listCommand({}), 'read'],
    ['list --quiet --project p1 far: --format json', argv.listCommand(far), 'read'],
    ['query --quiet /1.0', argv.queryCommand({}, '/1.0'), 'read'],
    ['query --quiet far:/1.0/profiles/default?project=p1', argv.queryCommand(far, '/1.0/profiles/default'), 'read'],
    ['alias --quiet list --format json', argv.aliasesCommand(), 'read'],
    ['launch --quiet images:ubuntu/22.04/cloud k1', argv.launchCommand({}, 'k1', launch), 'write'],
    [
      'launch --quiet --project p1 far:own far:k1 --vm --target m2',
      argv.launchCommand(far, 'k1', { ...launch, image: 'own', type: 'virtual-machine', target: 'm2' }),
      'write',
    ],
    ['start --quiet k1', argv.startCommand({}, 'k1'), 'write'],
    ['stop --quiet --project p1 far:k1', argv.stopCommand(far, 'k1'), 'write'],
    ['config --quiet unset k1 a.b', argv.unsetCommand({}, 'k1', 'a.b'), 'write'],
    ['config --quiet --project p1 unset far:k1 a.b', argv.unsetCommand(far, 'k1', 'a.b'), 'write'],
    ['delete --quiet --project p1 --force far:k1', argv.removeCommand(far, 'k1'), 'write'],
  ])('includes `%s`', (line, command, effect) => {
    expect([command.file, command.args.join(' '), command.effect]).toEqual(['incus', line, effect]);
    expect(command.origin).toBe('engine');
    expect(command.timeoutMs).toBeGreaterThan(0);
    expect(command.env).toEqual({ LC_ALL: 'C.UTF-8' });
  });

  it('keeps settings and user data off the command line', () => {
    const { stdin, args } = argv.launchCommand({}, 'k1', launch);
    expect(JSON.parse(stdin as string)).toEqual({ config: launch.config, devices: launch.devices });
    expect(args.join(' ')).not.toContain('cloud-config');
  });

  it('always names the machine, since without a name the exit code is 0 (docs/facts/incus.md 0.4)', () => {
    for (const command of [argv.startCommand({}, 'k1'), argv.stopCommand({}, 'k1'), argv.removeCommand({}, 'k1')]) {
      expect(command.args.filter((arg) => !arg.startsWith('-'))).toHaveLength(2);
    }
  });
});

describe('a command on a machine', () => {
  const inner = {
    file: 'cat',
    args: ['a b', '--', '-n', ''],
    effect: 'read',
    timeoutMs: 5_000,
    secrets: ['s'],
  } as const;

  it('is passed as arguments, with a mark in its output and its own time limit', () => {
    const command = argv.execCommand(far, 'k1', inner);
    expect(command.args.slice(0, 9)).toEqual([
      ...['exec', '--quiet', '--project', 'p1', 'far:k1', '--mode', 'non-interactive', '--', 'sh'],
    ]);
    expect(command.args[10]).toMatch(/^printf '\\036' >&2\n/);
    expect(command.args.slice(11)).toEqual(['sh', '35', 'cat', 'a b', '--', '-n', '']);
    expect(command).toMatchObject({ effect: 'read', timeoutMs: 5_000, secrets: ['s'] });
  });

  it('gets its environment on the machine, while the client gets its own', () => {
    const command = argv.execCommand({}, 'k1', { file: 'true', args: [], effect: 'write', env: { A: 'b c' } });
    expect(command.args.slice(-3)).toEqual(['env', 'A=b c', 'true']);
    expect(command.env).toEqual({ LC_ALL: 'C.UTF-8' });
    expect(command.timeoutMs).toBe(600_000);
  });
});

describe('launch settings', () => {
  it('need no privileges for a workload in a container', () => {
    expect(launch).toEqual({
      image: 'images:ubuntu/22.04/cloud',
      type: 'container',
      config: {
        'user.istio-vms': 'mine',
        'cloud-init.user-data': '#cloud-config\nwrite_files:\n  - path: /a\n    content: |\n      x\n',
        'limits.cpu': '2',
        'limits.memory': '1GiB',
        'security.nesting': 'true',
      },
      devices: { root: { type: 'disk', path: '/', pool: 'p', size: '4GiB' } },
    });
  });

  it('give a container with k3s the kernel interfaces that k3s needs', () => {
    const { config, devices } = launchSettings(spec, { ...options, node: true });
    expect(config).toMatchObject({ 'security.privileged': 'true', 'security.nesting': 'true' });
    expect(config['linux.kernel_modules']).toContain('br_netfilter');
    expect(config['raw.lxc']?.split('\n')).toEqual([
      'lxc.apparmor.profile=unconfined',
      'lxc.cap.drop=',
      'lxc.mount.auto=proc:rw sys:rw cgroup:rw',
      'lxc.cgroup2.devices.allow=a',
      'lxc.cgroup.devices.allow=a',
      '',
    ]);
    expect(devices).toMatchObject({ kmsg: { type: 'unix-char', path: '/dev/kmsg' } });
  });

  it('contain no cgroup v1 keys for Incus 7', () => {
    const { config } = launchSettings(spec, { ...options, node: true, serverVersion: '7.0.2' });
    expect(config['raw.lxc']).not.toContain('lxc.cgroup.');
  });

  it('contain no container settings for a virtual machine', () => {
    const { config, devices } = launchSettings(spec, {
      ...options,
      node: true,
      type: 'virtual-machine',
      network: 'n2',
    });
    expect(Object.keys(config)).toEqual(['user.istio-vms', 'cloud-init.user-data', 'limits.cpu', 'limits.memory']);
    expect(devices['eth0']).toEqual({ type: 'nic', name: 'eth0', network: 'n2' });
    expect(devices['kmsg']).toBeUndefined();
  });

  it('can omit the kernel modules and nothing else', () => {
    const node = launchSettings(spec, { ...options, node: true });
    const less = withoutModules(node);
    expect({ ...less.config, 'linux.kernel_modules': node.config['linux.kernel_modules'] }).toEqual(node.config);
    expect(less.config).not.toHaveProperty('linux.kernel_modules');
  });

  it.each([
    ['1G', '1GiB'],
    ['1536M', '1536MiB'],
    ['8GiB', '8GiB'],
    ['512MB', '512MiB'],
    ['1.5G', '1610612736'],
    ['4096', '4096'],
  ])('converts size %s to %s', (size, incus) => {
    expect(binarySize(size)).toBe(incus);
  });
});
