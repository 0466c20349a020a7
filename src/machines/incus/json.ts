import { z } from 'zod';
import { CliError } from '../../errors/cli-error.ts';
import { usableAddresses } from '../addresses.ts';
import type { MachineInfo, MachineState } from '../machine.ts';

/** The label on an instance that names the lab it belongs to. */
export const LABEL = 'user.istio-vms';

/** docs/facts/incus.md 4.1. «Ready» is reported by the guest itself, and means that it is running. */
const STATES: Readonly<Record<number, MachineState>> = {
  102: 'stopped',
  103: 'running',
  106: 'starting',
  107: 'starting',
  108: 'starting',
  110: 'suspended',
  111: 'running',
  113: 'running',
};

// Only what we read. On a member that is down, config and state are null.
const settings = z.record(z.string(), z.string());
const nic = z.object({
  hwaddr: z.string().default(''),
  addresses: z.array(z.object({ family: z.string(), address: z.string(), scope: z.string() })).default([]),
});
const instance = z.object({
  name: z.string(),
  status_code: z.number(),
  config: settings.nullish(),
  state: z.object({ network: z.record(z.string(), nic).nullish() }).nullish(),
});
const server = z.object({
  auth: z.string().default('trusted'),
  environment: z.object({
    server: z.string().default('incus'),
    server_version: z.string(),
    driver: z.string().default(''),
    server_clustered: z.boolean().default(false),
  }),
});
const device = z.record(z.string(), z.string());
const profile = z.object({ devices: z.record(z.string(), device).default({}) });
const network = z.object({ type: z.string(), managed: z.boolean() });
const member = z.object({ status: z.string() });
const aliases = z.record(z.string(), z.string());

export interface IncusServer {
  readonly version: string;
  /** Whether it can run virtual machines. */
  readonly virtualMachines: boolean;
  readonly clustered: boolean;
  readonly trusted: boolean;
}

export type IncusDevice = Readonly<Record<string, string>>;

export function parseInstances(stdout: string): MachineInfo[] {
  return parse(z.array(instance), stdout, 'list').map(asInfo);
}

export function parseServer(stdout: string): IncusServer {
  const { auth, environment } = parse(server, stdout, 'query /1.0');
  return {
    version: environment.server_version,
    virtualMachines: environment.driver.includes('qemu'),
    clustered: environment.server_clustered,
    trusted: auth === 'trusted',
  };
}

/** Devices of a profile by name. */
export function parseProfile(stdout: string): Readonly<Record<string, IncusDevice>> {
  return parse(profile, stdout, 'query /1.0/profiles/default').devices;
}

export function parseNetwork(stdout: string): { readonly type: string; readonly managed: boolean } {
  return parse(network, stdout, 'query /1.0/networks');
}

/** State of a cluster member, e.g. `Online`. */
export function parseMember(stdout: string): string {
  return parse(member, stdout, 'query /1.0/cluster/members').status;
}

export function parseAliases(stdout: string): readonly string[] {
  return Object.keys(parse(aliases, stdout, 'alias list'));
}

function asInfo({ name, status_code: code, config, state }: z.infer<typeof instance>): MachineInfo {
  const info = { name, state: STATES[code] ?? 'unknown', addresses: addressesOf(config ?? {}, state?.network ?? {}) };
  // The label is not known while the instance's cluster member is down.
  return config ? { ...info, lab: config[LABEL] ?? null } : info;
}

/**
 * IPv4 addresses of the machine's own network interfaces. Bridges on the machine are excluded; they come before `eth0`
 * in the response (docs/facts/incus.md 4.1). In a VM the interface is seldom called `eth0`, so it is identified by the
 * hardware address that Incus assigned.
 */
function addressesOf(config: z.infer<typeof settings>, cards: Readonly<Record<string, z.infer<typeof nic>>>): string[] {
  const given = Object.entries(config).filter(([key]) => /^volatile\..+\.hwaddr$/.test(key));
  const ours = Object.values(cards).filter(({ hwaddr }) => given.some(([, address]) => address === hwaddr));
  const own = ours.length > 0 ? ours : cards['eth0'] === undefined ? [] : [cards['eth0']];
  const found = own
    .flatMap((card) => card.addresses)
    .filter(({ family, scope }) => family === 'inet' && scope === 'global');
  return usableAddresses(found.map(({ address }) => address));
}

function parse<T>(schema: z.ZodType<T>, stdout: string, subject: string): T {
  try {
    return schema.parse(JSON.parse(stdout));
  } catch (cause) {
    throw new CliError('tool-failed', {
      message: `Could not parse the output of \`incus ${subject}\`.`,
      hint: 'This version of Incus may be newer than istio-vms supports; 6.0 is tested.',
      details: [stdout.slice(0, 300)],
      cause,
    });
  }
}
