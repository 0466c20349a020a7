import type { CliError } from '../../errors/cli-error.ts';
import { checkMembers, checkNetwork, networkOf, notReady, type Query } from './network.ts';
import * as argv from './argv.ts';
import type { IncusPlace } from './host.ts';
import { parseAliases, parseProfile, parseServer, type IncusDevice, type IncusServer } from './json.ts';
import { rootOf, type IncusType } from './launch-settings.ts';

/** The Incus settings of the configuration. */
export interface IncusSettings extends IncusPlace {
  readonly image: string;
  /** Undefined: a virtual machine where the server can run one. */
  readonly type?: IncusType;
  readonly network?: string;
  /** Members of a cluster over which machines are spread. */
  readonly targets: readonly string[];
}

/** The state of the server, with everything that a launch needs to know. */
export interface IncusReadiness {
  readonly server: IncusServer;
  readonly type: IncusType;
  readonly profile: Readonly<Record<string, IncusDevice>>;
}

/** Checks everything that a launch needs; each error for a missing prerequisite contains the command that fixes it. */
export async function readiness(
  settings: IncusSettings,
  query: Query,
  aliases: () => Promise<string>,
): Promise<IncusReadiness> {
  await refuseAliases(aliases);
  const answer = await query('/1.0');
  const server = parseServer(answer ?? '');
  if (!server.trusted) throw untrusted(settings.remote);
  const type = typeOf(settings, server);
  const asked = [
    profileOf(settings, query),
    checkMembers(settings.targets, server.clustered, query),
    checkImage(settings, query),
  ] as const;
  // The checks run in parallel and are reported in this order: without the project, its image is missing too.
  await Promise.allSettled(asked);
  for (const each of asked) await each;
  const profile = await asked[0];
  await checkNetwork(settings.network ?? networkOf(profile), settings.targets, server.clustered, query);
  return { server, type, profile };
}

async function refuseAliases(aliases: () => Promise<string>): Promise<void> {
  const taken = parseAliases(await aliases()).filter((alias) =>
    argv.COMMANDS_IN_USE.includes(alias.split(' ')[0] ?? ''),
  );
  if (taken.length === 0) return;
  throw notReady(
    `Your incus client has aliases that replace commands that istio-vms uses: ${taken.join(', ')}.`,
    `Remove them (\`incus alias remove ${taken[0] ?? ''}\`), or set INCUS_CONF to a client directory without them.`,
  );
}

function typeOf({ type }: IncusSettings, { virtualMachines }: IncusServer): IncusType {
  if (type !== 'virtual-machine' || virtualMachines) return type ?? (virtualMachines ? 'virtual-machine' : 'container');
  throw notReady(
    'INCUS_TYPE requests virtual machines, but this Incus cannot run any: KVM, QEMU or the module vhost_vsock is missing.',
    'See why with `incus warning list`; on Debian `apt-get install incus qemu-system-x86` and `modprobe vhost_vsock` help where the CPU allows; or set INCUS_TYPE=container.',
  );
}

async function profileOf({ network, project }: IncusSettings, query: Query): Promise<IncusReadiness['profile']> {
  const answer = await query('/1.0/profiles/default');
  if (answer === undefined) {
    throw notReady(
      `Incus has no project ${project ?? 'default'}.`,
      `Create it with \`incus project create ${project ?? 'default'}\`, or set INCUS_PROJECT.`,
    );
  }
  const profile = parseProfile(answer);
  if (rootOf(profile) === undefined) {
    throw notReady(
      'Incus has no storage for machines: its profile `default` has no root disk.',
      'On a fresh Incus run `incus admin init --minimal`; else `incus profile device add default root disk path=/ pool=NAME`.',
    );
  }
  if (network === undefined && !Object.values(profile).some((device) => device['type'] === 'nic')) {
    throw notReady(
      'Incus has no network for machines: its profile `default` has no network card.',
      'Create a bridge with `incus network create incusbr0` and `incus profile device add default eth0 nic network=incusbr0 name=eth0`, or set INCUS_NETWORK.',
    );
  }
  return profile;
}

/** An image of a remote is not checked here; the launch looks it up. */
async function checkImage({ image }: IncusSettings, query: Query): Promise<void> {
  if (image.includes(':') || /^[0-9a-f]{12,64}$/.test(image)) return;
  if ((await query(`/1.0/images/aliases/${encodeURIComponent(image)}`)) !== undefined) return;
  throw notReady(
    `Incus has no image ${image}.`,
    `Look with \`incus image list\`; \`incus image copy images:ubuntu/22.04/cloud local: --alias ${image}\` fetches one, or set INCUS_IMAGE.`,
  );
}

function untrusted(remote: string | undefined): CliError {
  return notReady(
    `The Incus server ${remote ?? 'local'} does not trust this client.`,
    `Add it again with a token: \`incus remote add ${remote ?? 'NAME'} TOKEN\`, with the token from \`incus config trust add\` there.`,
  );
}
