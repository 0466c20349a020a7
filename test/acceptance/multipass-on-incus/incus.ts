import { execa } from 'execa';
import { failed } from './refusal.ts';

/** Project of the machines, created by test/acceptance/install-incus.sh. */
const PROJECT = process.env['MULTIPASS_ON_INCUS_PROJECT'] ?? 'istio-vms-test';
const IMAGE = process.env['MULTIPASS_ON_INCUS_IMAGE'] ?? 'ubuntu-like';
/** Only instances of this space are visible, so that each test has its own Multipass. */
const SPACE = process.env['MULTIPASS_ON_INCUS_SPACE'] ?? 'default';
/** More profiles of a machine besides `default`: they allow what a virtual machine may do and a container may not. */
const PROFILES = (process.env['MULTIPASS_ON_INCUS_PROFILES'] ?? '').split(',').filter((each) => each !== '');
const LABEL = 'user.multipass-on-incus';
const DELETED = `${LABEL}.deleted`;
/** Label of a machine that runs but is not reachable, which the daemon reports as Unknown. */
const LOST = `${LABEL}.lost`;

/** A new machine counts as being created for this long. */
const LAUNCH_MS = 60_000;

export type State = 'Running' | 'Stopped' | 'Deleted' | 'Unknown';

export interface Instance {
  readonly name: string;
  readonly state: State;
  /** The address for SSH comes first. */
  readonly addresses: readonly string[];
  readonly cpus: string;
  readonly memory: string;
}

interface Shown {
  readonly name: string;
  readonly status_code: number;
  readonly created_at: string;
  readonly config: Readonly<Record<string, string>> | null;
  readonly state: {
    readonly network: Readonly<
      Record<string, { addresses: { family: string; scope: string; address: string }[] }>
    > | null;
  } | null;
}

async function incus(
  args: readonly string[],
  input?: string,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const [verb = '', ...rest] = args;
  const result = await execa('incus', [verb, '--quiet', '--project', PROJECT, ...rest], {
    reject: false,
    env: { LC_ALL: 'C.UTF-8' },
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
  });
  return { exitCode: result.exitCode ?? 1, stdout: result.stdout, stderr: result.stderr };
}

/** Whether the daemon answers. */
export const daemonUp = async (): Promise<boolean> => (await incus(['list', '--format', 'json'])).exitCode === 0;

/** All instances of this space. @param command for the error message when the daemon is down */
export async function instances(command: string): Promise<readonly Instance[]> {
  return (await all(command)).filter((each) => each.config?.[LABEL] === SPACE && !isBeingCreated(each)).map(asInstance);
}

/** Whether a machine with this name exists or is being created, in any space. */
export async function holderOf(command: string, name: string): Promise<'none' | 'existing' | 'being created'> {
  const found = (await all(command)).find((each) => each.name === name);
  if (found === undefined) return 'none';
  return isBeingCreated(found) ? 'being created' : 'existing';
}

/**
 * Multipass does not list a machine while its disk is created (docs/facts/multipass.md 2.5). Incus lists it as stopped and
 * never started.
 */
function isBeingCreated({ status_code: code, config, created_at: at }: Shown): boolean {
  const neverStarted = code === 102 && config?.['volatile.last_state.power'] === undefined;
  return neverStarted && Date.now() - Date.parse(at) < LAUNCH_MS;
}

async function all(command: string): Promise<readonly Shown[]> {
  const { exitCode, stdout } = await incus(['list', '--format', 'json']);
  if (exitCode !== 0) throw failed(command, '', 'cannot connect to the multipass socket');
  return JSON.parse(stdout) as readonly Shown[];
}

function asInstance({ name, status_code: code, config, state }: Shown): Instance {
  const network = state?.network ?? {};
  const { eth0, ...others } = network;
  const cards = [...(eth0 === undefined ? [] : [eth0]), ...Object.values(others)];
  const addresses = cards
    .flatMap((card) => card.addresses)
    .filter(({ family, scope }) => family === 'inet' && scope === 'global')
    .map(({ address }) => address);
  const runs = code === 103 || code === 113;
  const status: State = runs && config?.[LOST] !== 'yes' ? 'Running' : code === 102 ? 'Stopped' : 'Unknown';
  return {
    name,
    state: config?.[DELETED] === 'yes' ? 'Deleted' : status,
    addresses,
    cpus: config?.['limits.cpu'] ?? '1',
    memory: config?.['limits.memory'] ?? '1GiB',
  };
}

export interface LaunchSpec {
  readonly name: string;
  readonly cpus: string;
  /** Bytes. */
  readonly memory: number;
  readonly userData: string;
  readonly vendorData: string;
}

/** Creates and starts a machine; returns the error message of Incus if that fails. */
export async function create(wanted: LaunchSpec): Promise<string | undefined> {
  const config = {
    [LABEL]: SPACE,
    'limits.cpu': wanted.cpus,
    'limits.memory': String(wanted.memory),
    'security.nesting': 'true',
    ...(wanted.userData === '' ? {} : { 'cloud-init.user-data': wanted.userData }),
    'cloud-init.vendor-data': wanted.vendorData,
  };
  const profiles = PROFILES.length === 0 ? [] : ['default', ...PROFILES].flatMap((each) => ['--profile', each]);
  const { exitCode, stderr } = await incus(['launch', IMAGE, wanted.name, ...profiles], JSON.stringify({ config }));
  return exitCode === 0 ? undefined : stderr;
}

/** Starts or stops a machine; does nothing if it is already in that state. */
export async function change(verb: 'start' | 'stop', name: string): Promise<void> {
  const { exitCode, stderr } = await incus([verb, name, ...(verb === 'stop' ? ['--timeout', '60'] : [])]);
  if (exitCode !== 0 && !stderr.includes('already')) throw failed(verb, '', stderr);
}

export const markDeleted = (name: string, deleted: boolean): Promise<void> => mark(name, DELETED, deleted);

export const markLost = (name: string, lost: boolean): Promise<void> => mark(name, LOST, lost);

async function mark(name: string, label: string, is: boolean): Promise<void> {
  await incus(['config', 'set', name, `${label}=${is ? 'yes' : 'no'}`]);
}

export async function erase(name: string): Promise<void> {
  const { exitCode, stderr } = await incus(['delete', '--force', name]);
  if (exitCode !== 0 && !stderr.includes('not found')) throw failed('delete', '', stderr);
}
