import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { parse, stringify } from 'yaml';
import { spinner, type ParsedArgs } from '../../../src/rehearsal/engines/multipass/parser.ts';
import { bytesOf } from '../../../src/rehearsal/engines/multipass/views.ts';
import { create, holderOf, markLost, type LaunchSpec } from './incus.ts';
import { badUsage, failed, failedFor, Refusal } from './refusal.ts';
import { awaitSsh, OPTIONS, publicKey } from './ssh.ts';

const RELEASES = /^(2[0-9]\.(04|10)|focal|jammy|noble|lts|questing|resolute)$/;
const NAME = /^([a-zA-Z]|[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z0-9])$/;

/** `multipass launch`: runs the checks of client and daemon in their order, then launches and waits for SSH. */
export async function launch({ positionals, options }: ParsedArgs): Promise<number> {
  if (positionals.length > 1) throw badUsage('Too many arguments supplied');
  const cpus = options.get('cpus') ?? '1';
  if (!/^[1-9]\d*$/.test(cpus)) throw badUsage(`Error: invalid CPU count '${cpus}', need a positive integer value.`);
  const sizes = { memory: options.get('memory') ?? '1G', disk: options.get('disk') ?? '5G' };
  for (const size of Object.values(sizes)) {
    if (bytesOf(size) === undefined)
      throw badUsage(`[error] [client] Caught an unhandled exception: ${size} is not a valid memory size`);
  }
  const timeout = options.get('timeout');
  const limit = timeLimit(timeout);
  const userData = await cloudInit(options.get('cloud-init'));

  const image = positionals[0] ?? 'lts';
  const name = options.get('name') ?? `keen-${process.pid}`;
  // First, since a stopped daemon must be reported before any other error.
  const holder = await holderOf('launch', name);
  const noise = spinner(`Creating ${name}`);
  if (!RELEASES.test(image)) throw failed('launch', noise, `Unable to find an image matching "${image}" in remote "".`);
  const invalid = (detail: string): Refusal => failed('launch', noise, 'Invalid arguments supplied', detail);
  if ((bytesOf(sizes.disk) ?? 0) < 512 * 2 ** 20) throw invalid(`Invalid disk size value supplied: ${sizes.disk}.`);
  if ((bytesOf(sizes.memory) ?? 0) < 128 * 2 ** 20)
    throw invalid(`Invalid memory size value supplied: ${sizes.memory}.`);
  if (!NAME.test(name)) throw invalid(`Invalid instance name supplied: ${name}`);
  if (holder === 'existing') throw failed('launch', noise, `instance "${name}" already exists`);
  if (holder === 'being created') throw failed('launch', noise, `instance "${name}" is being prepared`);
  process.stdout.write(noise);
  await bringUp(
    { name, cpus, memory: bytesOf(sizes.memory) ?? 0, userData, vendorData: await vendorData() },
    limit * 1000,
    timeout !== undefined,
  );
  process.stdout.write(`${spinner('Waiting for initialization to complete')}Launched: ${name}\n`);
  return 0;
}

/** @param asked whether `--timeout` was given: then the client exits after it while the daemon continues */
async function bringUp(wanted: LaunchSpec, limitMs: number, asked: boolean): Promise<void> {
  const { name } = wanted;
  const problem = await create(wanted);
  if (problem !== undefined) {
    const exists = /UNIQUE constraint failed|already exists|Instance is busy/.test(problem);
    throw failed('launch', '', exists ? `instance "${name}" is being prepared` : problem);
  }
  const late = (words: string): Refusal =>
    asked
      ? new Refusal({ exitCode: 5, stderr: 'Timed out waiting for instance launch.\n' })
      : failedFor('launch', [words]);
  const [address] = (await awaitSsh(name, Date.now() + limitMs))?.addresses ?? [];
  if (address === undefined) {
    if (!asked) await markLost(name, true);
    throw late(`${name}: timed out waiting for response`);
  }
  // The launch succeeds even if cloud-init fails (docs/facts/multipass.md 7 no. 3).
  const { timedOut } = await execa('ssh', [...OPTIONS, `ubuntu@${address}`, 'cloud-init status --wait'], {
    reject: false,
    stdin: 'ignore',
    timeout: limitMs,
  });
  if (timedOut) throw late('timed out waiting for initialization to complete');
}

/** Time limit of each phase in seconds; a test can shorten the daemon's default. */
export function timeLimit(given: string | undefined): number {
  if (given !== undefined && !/^[1-9]\d*$/.test(given))
    throw badUsage('error: --timeout value has to be a positive integer');
  return Number(given ?? process.env['MULTIPASS_ON_INCUS_TIMEOUT'] ?? 300);
}

/** User data as Multipass passes it on: parsed and serialized, so that comments and jinja headers are lost. */
async function cloudInit(source: string | undefined): Promise<string> {
  if (source === undefined) return '';
  const bad = (why: string): Refusal => badUsage(`Could not load cloud-init configuration: ${why}`);
  const given =
    source === '-'
      ? await text(process.stdin)
      : await readFile(source, 'utf8').catch(() => {
          throw bad(`bad file: ${source}\nPlease ensure that Multipass can read it.`);
        });
  let data: unknown;
  try {
    data = parse(given);
  } catch (error) {
    throw bad(`yaml-cpp: error: ${(error as Error).message.split('\n')[0] ?? ''}`);
  }
  if (data === null) return '';
  if (typeof data !== 'object' || Array.isArray(data)) throw bad('operator[] call on a scalar');
  return `#cloud-config\n${stringify(data)}`;
}

/** Vendor data as in Multipass: its key for the default user, and an /etc/hosts that is rewritten at each boot. */
async function vendorData(): Promise<string> {
  return `#cloud-config\n${JSON.stringify({ manage_etc_hosts: true, ssh_authorized_keys: [await publicKey()] })}\n`;
}
