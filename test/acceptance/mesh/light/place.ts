import { mkdir, rm } from 'node:fs/promises';
import type { Command, CommandResult } from '../../../../src/system/system.ts';
import { run, runCommand, start, until } from './processes.ts';

/** A stand-in for a machine or a pod, with its own network and root file system; all places share one PID namespace. */
export interface Place {
  readonly name: string;
  readonly address: string;
  /** Path of its root file system from outside; absolute links below it resolve to this computer's root. */
  readonly root: string;
  /** Prefix of a command that runs in the place. */
  readonly enter: readonly string[];
  /** Prefix of a command of this computer that runs in the network of the place. */
  readonly enterNetwork: readonly string[];
  run(command: Command): Promise<CommandResult>;
  /** Runs a shell script as root and returns its stdout. */
  sh(script: string, ...args: readonly string[]): Promise<string>;
  /** Writes a file, with the directories above it. */
  write(path: string, content: string, mode?: number): Promise<void>;
}

export interface PlaceOptions {
  readonly name: string;
  readonly address: string;
  /** Directory for the mount point of the root and for logs. */
  readonly directory: string;
  /** Files to mount: path in the place → path on this computer. */
  readonly programs?: Readonly<Record<string, string>>;
}

/** The bridge of all places, and the address of the API server and istiod on it. */
export const BRIDGE = { name: 'br0', address: '192.168.64.2' } as const;

/**
 * $1 a directory, $2 the host name, then pairs of paths in `programs`. The root is an overlay on this computer's root
 * without its mounts. Writes go to memory, and /run is a tmpfs as on a real machine.
 */
const SETUP = `set -eu
mkdir -p "$1"
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -p run/lock .before
bind_programs() { while [ $# -gt 0 ]; do mkdir -p ".\${1%/*}"; rm -f ".$1"; : >".$1"; mount --bind "$2" ".$1"; shift 2; done; }
name=$2
shift 2
bind_programs "$@"
pivot_root . .before
cd /
umount -l /.before
rmdir /.before
hostname "$name"
ip link set lo up
echo ready
exec sleep infinity
`;

/** Creates the bridge in our network namespace. */
export async function createBridge(): Promise<void> {
  await run('ip', 'link', 'set', 'lo', 'up');
  await run('ip', 'link', 'add', BRIDGE.name, 'type', 'bridge');
  await run('ip', 'address', 'add', `${BRIDGE.address}/24`, 'dev', BRIDGE.name);
  await run('ip', 'link', 'set', BRIDGE.name, 'up');
}

/** Creates a place on the bridge. It ends with our PID namespace. */
export async function createPlace({ name, address, directory, programs = {} }: PlaceOptions): Promise<Place> {
  const log = `${directory}/${name}.place.log`;
  await mkdir(directory, { recursive: true });
  await rm(log, { force: true });
  const setup = ['sh', '-c', SETUP, 'place', `${directory}/${name}.root`, name, ...Object.entries(programs).flat()];
  const { pid } = start(['unshare', '--mount', '--net', '--uts', ...setup], { log });
  await until(`the namespaces of ${name} (see ${log})`, 10, async () =>
    /^ready$/m.test(await run('cat', log)) ? true : undefined,
  );
  await run('ip', 'link', 'add', `v-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid));
  await run('ip', 'link', 'set', `v-${name}`, 'master', BRIDGE.name, 'up');
  const enter = ['nsenter', '--target', String(pid), '--mount', '--net', '--uts', '--'];
  const root = `/proc/${String(pid)}/root`;
  const place: Place = {
    name,
    address,
    root,
    enter,
    enterNetwork: ['nsenter', '--target', String(pid), '--net', '--'],
    run: (command) => {
      const [file = '', ...args] = [...enter, command.file, ...command.args];
      return runCommand({ ...command, file, args });
    },
    sh: async (script, ...args) => {
      const command = { file: 'sh', args: ['-c', script, 'sh', ...args], effect: 'write', timeoutMs: 120_000 } as const;
      return (await place.run(command)).stdout;
    },
    // Writes inside the place: from outside, a link such as /var/run would resolve to this computer's root.
    write: async (path, content, mode = 0o644) => {
      const script = 'mkdir -p "${1%/*}" && cat >"$1" && chmod "$2" "$1"';
      const args = ['-c', script, 'sh', path, mode.toString(8)];
      await place.run({ file: 'sh', args, effect: 'write', stdin: content, timeoutMs: 30_000 });
    },
  };
  await place.sh(
    'ip address add "$1/24" dev eth0 && ip link set eth0 up && ip route add default via "$2"',
    address,
    BRIDGE.address,
  );
  await place.sh('rm -f /etc/hosts /etc/resolv.conf');
  await place.write('/etc/hosts', `127.0.0.1 localhost\n127.0.1.1 ${name}\n`);
  await place.write('/etc/resolv.conf', '');
  return place;
}
