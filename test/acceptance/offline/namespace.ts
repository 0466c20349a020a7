import { spawnSync } from 'node:child_process';

/** A Linux network namespace. */
export interface Namespace {
  /** Prefix of a command that runs in the namespace. */
  readonly inside: readonly string[];
  /** Packets sent since it was created, except on loopback. */
  readonly sent: () => number;
  readonly remove: () => void;
}

/** Why network namespaces are not available; undefined if they are. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  try {
    createNamespace('none').remove();
    return undefined;
  } catch (error) {
    return `this computer makes no network namespaces: ${(error as Error).message}`;
  }
}

/** An address for documentation (RFC 5737), which no real host uses. */
const OURS = '192.0.2.1/24';
/** Address of the second namespace, the gateway of the default route; no server listens there. */
export const NEIGHBOUR = '192.0.2.80';

let count = 0;

/**
 * A namespace with only loopback, or with a default route to a second namespace, where connections are refused and the
 * kernel counts the packets.
 */
export function createNamespace(route: 'none' | 'neighbor'): Namespace {
  const name = `iv-${process.pid}-${++count}`;
  const other = `${name}-b`;
  const names = route === 'none' ? [name] : [name, other];
  const remove = (): void => names.forEach((each) => void spawnSync('ip', ['netns', 'delete', each]));
  const within = (each: string, ...command: readonly string[]): string => ip('netns', 'exec', each, ...command);
  try {
    for (const each of names) {
      ip('netns', 'add', each);
      // IPv6 would send neighbor discovery packets, which would be counted.
      within(each, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && ip link set lo up');
    }
    if (route === 'neighbor') {
      ip('-n', name, 'link', 'add', 'out', 'type', 'veth', 'peer', 'name', 'out', 'netns', other);
      ip('-n', name, 'address', 'add', OURS, 'dev', 'out');
      ip('-n', other, 'address', 'add', `${NEIGHBOUR}/24`, 'dev', 'out');
      for (const each of names) ip('-n', each, 'link', 'set', 'out', 'up');
      ip('-n', name, 'route', 'add', 'default', 'via', NEIGHBOUR);
    }
  } catch (error) {
    remove();
    throw error;
  }
  return {
    inside: [programPath('ip'), 'netns', 'exec', name],
    sent: () => {
      const links = JSON.parse(ip('-n', name, '-json', '-stats', 'link', 'show')) as Link[];
      return links.filter(({ ifname }) => ifname !== 'lo').reduce((sum, { stats64 }) => sum + stats64.tx.packets, 0);
    },
    remove,
  };
}

interface Link {
  readonly ifname: string;
  readonly stats64: { readonly tx: { readonly packets: number } };
}

function ip(...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync('ip', args, { encoding: 'utf8', timeout: 20_000 });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}

/** Absolute path of a program, since the programs under test have a PATH without it. */
function programPath(program: string): string {
  return spawnSync('sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8' }).stdout.trim();
}
