import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { spinner, type ParsedArgs } from '../../../src/rehearsal/host/multipass/parser.ts';
import { bytesOf } from '../../../src/rehearsal/host/multipass/views.ts';
import { create, isTaken, type Wanted } from './incus.ts';
import { badUsage, failed, Refusal } from './refusal.ts';
import { awaitWayIn, OPTIONS, publicKey } from './ssh.ts';

const RELEASES = /^(2[0-9]\.(04|10)|focal|jammy|noble|lts|questing|resolute)$/;
const NAME = /^([a-zA-Z]|[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z0-9])$/;

/** `multipass launch`: the checks of client and daemon in their order, then a machine that lets us in. */
export async function launch({ positionals, options }: ParsedArgs): Promise<number> {
  if (positionals.length > 1) throw badUsage('Too many arguments supplied');
  const cpus = options.get('cpus') ?? '1';
  if (!/^[1-9]\d*$/.test(cpus)) throw badUsage(`Error: invalid CPU count '${cpus}', need a positive integer value.`);
  const sizes = { memory: options.get('memory') ?? '1G', disk: options.get('disk') ?? '5G' };
  for (const size of Object.values(sizes)) {
    if (bytesOf(size) === undefined)
      throw badUsage(`[error] [client] Caught an unhandled exception: ${size} is not a valid memory size`);
  }
  const limit = timeLimit(options.get('timeout'));
  const userData = await cloudInit(options.get('cloud-init'));

  const image = positionals[0] ?? 'lts';
  const name = options.get('name') ?? `keen-${process.pid}`;
  const noise = spinner(`Creating ${name}`);
  if (!RELEASES.test(image)) throw failed('launch', noise, `Unable to find an image matching "${image}" in remote "".`);
  const invalid = (detail: string): Refusal => failed('launch', noise, 'Invalid arguments supplied', detail);
  if ((bytesOf(sizes.disk) ?? 0) < 512 * 2 ** 20) throw invalid(`Invalid disk size value supplied: ${sizes.disk}.`);
  if ((bytesOf(sizes.memory) ?? 0) < 128 * 2 ** 20)
    throw invalid(`Invalid memory size value supplied: ${sizes.memory}.`);
  if (!NAME.test(name)) throw invalid(`Invalid instance name supplied: ${name}`);
  if (await isTaken('launch', name)) throw failed('launch', noise, `instance "${name}" already exists`);
  process.stdout.write(noise);
  await bringUp(
    { name, cpus, memory: bytesOf(sizes.memory) ?? 0, userData, vendorData: await vendorData() },
    Date.now() + limit * 1000,
  );
  process.stdout.write(`${spinner('Waiting for initialization to complete')}Launched: ${name}\n`);
  return 0;
}

async function bringUp(wanted: Wanted, deadline: number): Promise<void> {
  const problem = await create(wanted);
  if (problem !== undefined) {
    const exists = /UNIQUE constraint failed|already exists/.test(problem);
    throw failed('launch', '', exists ? `instance "${wanted.name}" already exists` : problem);
  }
  const timedOut = new Refusal({ exitCode: 5, stderr: 'Timed out waiting for instance launch.\n' });
  const [address] = (await awaitWayIn(wanted.name, deadline))?.addresses ?? [];
  if (address === undefined) throw timedOut;
  // Whatever cloud-init comes to, the launch has worked (facts/multipass.md 7 no. 3).
  const { timedOut: late } = await execa('ssh', [...OPTIONS, `ubuntu@${address}`, 'cloud-init status --wait'], {
    reject: false,
    stdin: 'ignore',
    timeout: Math.max(1, deadline - Date.now()),
  });
  if (late) throw timedOut;
}

/** Seconds. */
export function timeLimit(given: string | undefined): number {
  if (given !== undefined && !/^[1-9]\d*$/.test(given))
    throw badUsage('error: --timeout value has to be a positive integer');
  return Number(given ?? 300);
}

async function cloudInit(source: string | undefined): Promise<string> {
  if (source === undefined) return '';
  if (source === '-') return text(process.stdin);
  return readFile(source, 'utf8').catch(() => {
    throw badUsage(
      `Could not load cloud-init configuration: bad file: ${source}\nPlease ensure that Multipass can read it.`,
    );
  });
}

/** As Multipass: its key for the default user, and /etc/hosts written anew at each boot unless the user says otherwise. */
async function vendorData(): Promise<string> {
  return `#cloud-config\n${JSON.stringify({ manage_etc_hosts: true, ssh_authorized_keys: [await publicKey()] })}\n`;
}
