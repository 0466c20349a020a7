import { parse } from 'yaml';
import { INCUS_CALL, INCUS_CREATE, INCUS_IMAGE_DOWNLOAD } from './durations.ts';
import { isFaultActive } from '../../fault-state.ts';
import { readUserData, type UserData } from '../../guest/cloud-init.ts';
import type { Guest } from '../../guest/systemd.ts';
import { addInstance } from '../../state.ts';
import type { HostCall, ProgramResult, World } from '../../world.ts';
import type { ParsedArgs } from '../arguments.ts';
import { daemonLife } from '../daemon.ts';
import { CUT, daemonAway, failure, help } from './answers.ts';
import { findImage, imageReleaseOf } from './images.ts';
import { onRemote, projectOf, projectOfAll, setFacts, type Device, type IncusFacts } from './instances.ts';
import { boot } from './lifecycle.ts';
import { serverOf } from './traits.ts';

/** Settings that istio-vms uses in launches; any `user.*` key is allowed (docs/facts/incus.md 1.1). */
const KNOWN_KEYS = new Set([
  'cloud-init.user-data',
  'limits.cpu',
  'limits.memory',
  'linux.kernel_modules',
  'raw.lxc',
  'security.nesting',
  'security.privileged',
]);
const SIZE = /^\d+([KMG]i?B|B)?$/;

interface Given {
  readonly config: Readonly<Record<string, string>>;
  readonly devices: Readonly<Record<string, Device>>;
}

/** A launch that the client and the server have accepted. */
interface Request extends Given {
  readonly name: string;
  readonly image: string;
  readonly isLocal: boolean;
  readonly type: IncusFacts['type'];
  readonly location: string;
  readonly userData: UserData | undefined;
}

/** `incus launch [REMOTE:]IMAGE [REMOTE:]NAME [--vm] [--target M]`, settings on stdin (docs/facts/incus.md 1). */
export async function launch(call: HostCall, parsed: ParsedArgs): Promise<ProgramResult> {
  const { world } = call;
  const [image, target, ...more] = parsed.positionals;
  if (image === undefined) return help('launch');
  if (target === undefined || more.length > 0) {
    return failure('Invalid number of arguments', 'incus launch with another number of names than one');
  }
  const given = readGiven(Buffer.from(call.stdin).toString('utf8'));
  if ('exitCode' in given) return given;
  await world.clock.sleep(INCUS_CALL);
  const request = daemonAway(world) ?? check(world, parsed, image, target, given);
  if ('exitCode' in request) return request;
  const result = await create({ ...call }, request);
  const isQuiet = parsed.options.has('quiet');
  return isQuiet || result.exitCode !== 0 ? result : { ...result, stdout: `Launching ${request.name}\n` };
}

/** Unknown keys are ignored, as in Incus (docs/facts/incus.md 1.1). */
function readGiven(text: string): Given | ProgramResult {
  try {
    const { config = {}, devices = {} } = (parse(text) ?? {}) as {
      config?: Readonly<Record<string, unknown>>;
      devices?: Given['devices'];
    };
    return { config: Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)])), devices };
  } catch (error) {
    return failure(`yaml: line 1: ${(error as Error).message.split('\n')[0] ?? ''}`);
  }
}

/** The client's checks, then the server's, each with its own messages (docs/facts/incus.md 1.2). */
function check(
  world: World,
  parsed: ParsedArgs,
  image: string,
  target: string,
  { config, devices }: Given,
): Request | ProgramResult {
  const { instances } = world.engine;
  const incus = serverOf(world.engine);
  const [source, place] = [onRemote(world, image), onRemote(world, target)];
  if ('exitCode' in source) return source;
  if ('exitCode' in place) return place;
  const { name } = place;
  const isLocal = source.remote !== 'images';
  if (!isLocal && isFaultActive(world, 'image-server-down')) {
    return failure(
      'Failed instance creation: Failed getting remote image info: Get "https://images.linuxcontainers.org/streams/v1/index.json": dial tcp: lookup images.linuxcontainers.org: no such host',
    );
  }
  const release = findImage(world, image);
  if (release === undefined || projectOf(parsed) !== projectOfAll(world)) {
    return failure(`Image "${source.name}" not found`);
  }
  const isVm = parsed.options.has('vm');
  if (isVm && !incus.virtualMachines) {
    return failure(
      'Failed instance creation: Failed creating instance record: Instance type "virtual-machine" is not supported on this server: KVM support is missing (no /dev/kvm)',
    );
  }
  const location = parsed.options.get('target');
  const members = incus.targets;
  if (location !== undefined && members.length === 0) return failure('Target only allowed when clustered');
  if (location !== undefined && !members.includes(location)) {
    return failure(
      location.startsWith('@')
        ? `Cluster group "${location.slice(1)}" doesn't exist`
        : `Cluster member "${location}" not found`,
    );
  }
  const problem = nameProblem(name) ?? configProblem(config) ?? deviceProblem(world, devices);
  if (problem !== undefined) {
    const unknown = Object.keys(config).find((key) => !isKnownKey(key));
    return failure(problem, unknown === undefined ? undefined : `incus launch with ${unknown}`);
  }
  if (instances.has(name)) return exists();
  const text = config['cloud-init.user-data'];
  const userData = text === undefined ? undefined : readUserData(text);
  if (userData !== undefined && 'problem' in userData) {
    return failure(`Failed creating instance record: Invalid config: ${userData.problem}`);
  }
  const type = isVm ? 'virtual-machine' : 'container';
  const member = location?.replace(/^@/, '') ?? members[0] ?? 'none';
  return { name, image, isLocal, type, location: member, config, devices, userData };
}

/** The error for a name that is taken, in the words of 6.0.4's database (docs/facts/incus.md 1.2). */
function exists(): ProgramResult {
  return failure(
    'Failed creating instance record: Add instance info to the database: Failed to create "instances" entry: UNIQUE constraint failed: instances.project_id, instances.name',
  );
}

function nameProblem(name: string): string | undefined {
  const invalid = (why: string): string => `Invalid instance name: ${why}`;
  if (name.length < 1 || name.length > 63) return invalid('Name must be 1-63 characters long');
  if (/[^A-Za-z0-9-]/.test(name)) return invalid('Name can only contain alphanumeric and hyphen characters');
  if (name.startsWith('-')) return invalid('Name must not start with "-" character');
  if (name.endsWith('-')) return invalid('Name must not end with "-" character');
  if (/^\d+$/.test(name)) return invalid('Name cannot be a number');
  return undefined;
}

const isKnownKey = (key: string): boolean => KNOWN_KEYS.has(key) || key.startsWith('user.');

function configProblem(config: Given['config']): string | undefined {
  const record = (why: string): string => `Failed creating instance record: ${why}`;
  const unknown = Object.keys(config).find((key) => !isKnownKey(key));
  if (unknown !== undefined) return record(`Unknown configuration key: ${unknown}`);
  if (!/^[1-9]\d*$/.test(config['limits.cpu'] ?? '1')) return record('Invalid CPU limit syntax');
  if (!SIZE.test(config['limits.memory'] ?? '1')) return record(`Invalid value: ${config['limits.memory'] ?? ''}`);
  return undefined;
}

function deviceProblem({ engine }: World, devices: Given['devices']): string | undefined {
  const incus = serverOf(engine);
  for (const { type, network, size = '1' } of Object.values(devices)) {
    if (type === 'nic' && network !== undefined && ![incus.bridge, incus.network].includes(network)) {
      return `Failed loading network "${network}": Network not found`;
    }
    if (type === 'disk' && !SIZE.test(size)) {
      return `Failed creating instance record: Invalid value for device option "size": Invalid value: ${size}`;
    }
  }
  return undefined;
}

/** The daemon's work. It continues when the client is gone; when the daemon ends, unfinished work stays as it is. */
async function create(call: Omit<Guest, 'instance'>, request: Request): Promise<ProgramResult> {
  const { world } = call;
  const { name, image, config, devices, userData } = request;
  const life = daemonLife(world);
  const isCut = (): boolean => daemonLife(world) !== life;
  if (!request.isLocal) await fetchImage(world, image, name);
  if (isCut()) return CUT;
  // Another launch may have used the same name and got its image first.
  if (world.engine.instances.has(name)) return exists();
  const root = Object.values(devices).find(({ path }) => path === '/');
  const instance = addInstance(world, {
    name,
    release: imageReleaseOf(image),
    cpus: Number(config['limits.cpu'] ?? 1),
    memory: config['limits.memory'] ?? '1GiB',
    disk: root?.['size'] ?? '10GiB',
    state: 'Stopped',
    addressKnown: false,
    cloudInit: userData === undefined ? 'done' : 'running',
  });
  const facts: IncusFacts = {
    type: request.type,
    config: new Map(Object.entries(config)),
    devices,
    location: request.location,
    createdAt: world.clock.now(),
    busy: 'create',
    ...(userData === undefined ? {} : { firstBoot: userData }),
  };
  setFacts(instance, facts);
  await world.clock.sleep(INCUS_CREATE);
  // The daemon is gone, and what it created stays, stopped.
  CRASH_POINT: await world.crashPoints?.at(`launch ${name}: created`, () => delete facts.busy);
  delete facts.busy;
  if (isCut()) return CUT;
  return (await boot({ ...call, instance })) ?? { exitCode: 0 };
}

const downloads = new WeakMap<object, Map<string, Promise<void>>>();

/** The server fetches an image once for all requests and keeps it; a new daemon starts over. */
async function fetchImage(world: World, image: string, name: string): Promise<void> {
  if (world.engine.images.has(image)) return;
  const life = daemonLife(world);
  const running = downloads.get(life) ?? new Map<string, Promise<void>>();
  downloads.set(life, running);
  const work = async (): Promise<void> => {
    await world.clock.sleep(INCUS_IMAGE_DOWNLOAD / 2);
    CRASH_POINT: await world.crashPoints?.at(`launch ${name}: image half pulled`, () => running.delete(image));
    await world.clock.sleep(INCUS_IMAGE_DOWNLOAD / 2);
    running.delete(image);
    if (daemonLife(world) === life) world.engine.images.add(image);
  };
  const download = running.get(image) ?? work();
  running.set(image, download);
  await download;
}
