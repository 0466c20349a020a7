import { CliError } from '../../errors/cli-error.ts';
import { parseMember, parseNetwork, type IncusDevice } from './json.ts';

/** Sends one API query; undefined means «not found». */
export type Query = (path: string) => Promise<string | undefined>;

/** A prerequisite of a launch is missing; the hint is the command that fixes it. */
export function notReady(message: string, hint: string): CliError {
  return new CliError('engine-unavailable', { message, hint });
}

/** The Incus-managed network that the profile connects machines to; undefined if its interface is of another kind. */
export function networkOf(profile: Readonly<Record<string, IncusDevice>>): string | undefined {
  return Object.values(profile).find((device) => device['type'] === 'nic')?.['network'];
}

/** Checks that the network exists, and that all machines of a lab can reach each other in it. */
export async function checkNetwork(
  network: string | undefined,
  targets: readonly string[],
  clustered: boolean,
  query: Query,
): Promise<void> {
  if (network === undefined) return;
  const answer = await query(`/1.0/networks/${network}`);
  if (answer === undefined) {
    throw notReady(
      `Incus has no network ${network}.`,
      `Create it with \`incus network create ${network}\`, or set INCUS_NETWORK.`,
    );
  }
  const { type, managed } = parseNetwork(answer);
  if (!managed || type !== 'bridge') return;
  // Each member has its own managed bridge: machines on different members could not reach each other
  // (docs/facts/incus.md 10.2).
  if (new Set(targets).size > 1) {
    throw notReady(
      `The network ${network} is a bridge of its own on each member of the cluster, and the machines of a lab have to reach each other.`,
      'Name one member in INCUS_TARGETS, or a network that spans all (type ovn or physical) in INCUS_NETWORK.',
    );
  }
  // Incus still reports the network as created when its interface is gone (docs/facts/incus.md 9). In a cluster only
  // one member answers, so this is not checked there.
  if (!clustered && (await query(`/1.0/networks/${network}/state`)) === undefined) {
    throw notReady(
      `The bridge ${network} no longer exists on the computer, although Incus still lists it.`,
      'Restart the daemon, which recreates it: `sudo systemctl restart incus`.',
    );
  }
}

/** Checks the members and groups (`@name`) in INCUS_TARGETS. */
export async function checkMembers(targets: readonly string[], clustered: boolean, query: Query): Promise<void> {
  if (targets.length === 0) return;
  if (!clustered) {
    throw notReady(
      'INCUS_TARGETS names members of a cluster, and this Incus is in none.',
      'Leave INCUS_TARGETS empty.',
    );
  }
  for (const target of new Set(targets)) {
    const group = target.startsWith('@');
    const answer = await query(group ? `/1.0/cluster/groups/${target.slice(1)}` : `/1.0/cluster/members/${target}`);
    if (answer === undefined) {
      throw notReady(
        `The cluster of Incus has no ${group ? 'group' : 'member'} ${target}, which INCUS_TARGETS names.`,
        `See \`incus cluster ${group ? 'group ' : ''}list\`, and set INCUS_TARGETS to names from there.`,
      );
    }
    const status = group ? 'Online' : parseMember(answer);
    if (status !== 'Online') {
      throw notReady(
        `The cluster member ${target} is not online (${status}).`,
        `See \`incus cluster info ${target}\`; start Incus on it, or take it out of INCUS_TARGETS.`,
      );
    }
  }
}
