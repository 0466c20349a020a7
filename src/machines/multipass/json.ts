import { z } from 'zod';
import { CliError } from '../../errors/cli-error.ts';
import { usableAddresses } from '../addresses.ts';
import type { MachineInfo, MachineState } from '../machine.ts';

/** All states of Multipass, including those of 1.17 (docs/facts/multipass.md 2.5). */
const STATES: Readonly<Record<string, MachineState>> = {
  Running: 'running',
  // Counts down to a shutdown, and is usable until then.
  'Delayed Shutdown': 'running',
  Starting: 'starting',
  Restarting: 'starting',
  Stopped: 'stopped',
  Suspending: 'suspended',
  Suspended: 'suspended',
  Deleted: 'deleted',
  Unknown: 'unknown',
  Unavailable: 'unknown',
};

// Only the fields that we read; others may differ between versions.
const version = z.object({ multipass: z.string(), multipassd: z.string().optional() });
const instance = z.object({ state: z.string(), ipv4: z.array(z.string()).default([]) });
const list = z.object({ list: z.array(instance.extend({ name: z.string() })) });
const info = z.object({ info: z.record(z.string(), instance) });

/** `client` alone means that the daemon does not answer. */
export function parseVersion(stdout: string): { client: string; daemon?: string } {
  const { multipass, multipassd } = parse(version, stdout, 'version');
  return multipassd === undefined ? { client: multipass } : { client: multipass, daemon: multipassd };
}

export function parseList(stdout: string): MachineInfo[] {
  return parse(list, stdout, 'list').list.map(({ name, ...rest }) => asInfo(name, rest));
}

/** The one machine that was requested. */
export function parseInfo(stdout: string, name: string): MachineInfo | undefined {
  const found = parse(info, stdout, 'info').info[name];
  return found === undefined ? undefined : asInfo(name, found);
}

function asInfo(name: string, { state, ipv4 }: z.infer<typeof instance>): MachineInfo {
  return { name, state: STATES[state] ?? 'unknown', addresses: usableAddresses(ipv4) };
}

function parse<T>(schema: z.ZodType<T>, stdout: string, subject: string): T {
  try {
    return schema.parse(JSON.parse(stdout));
  } catch (cause) {
    throw new CliError('tool-failed', {
      message: `Could not parse the output of \`multipass ${subject} --format json\`.`,
      hint: 'This version of Multipass may be newer than istio-vms supports; 1.14 to 1.16 are tested.',
      details: [stdout.slice(0, 300)],
      cause,
    });
  }
}
