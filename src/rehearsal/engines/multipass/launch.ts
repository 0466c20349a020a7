import { ADDRESS_LATE, ENGINE_CALL, ENGINE_PATIENCE, IMAGE_DOWNLOAD, MACHINE_CREATE } from '../../durations.ts';
import { isFaultActive, consumeFault } from '../../fault-state.ts';
import { powerOff, powerOn } from '../../guest/boot.ts';
import { firstCloudInit, readUserData, type UserData } from '../../guest/cloud-init.ts';
import type { Guest } from '../../guest/systemd.ts';
import { KILLED, TERMINATED } from '../../processes.ts';
import { addInstance } from '../../state.ts';
import type { HostCall, ProgramResult, World } from '../../world.ts';
import { daemonLife, isDaemonAway, restartDaemon } from '../daemon.ts';
import { expiring, timeLimit } from './parser.ts';
import { failure, failures, spinner, usage, type ParsedArgs } from './parser.ts';
import { bytesOf } from './views.ts';

/** Aliases of images that the daemon finds; each release also has its code name. */
const RELEASES: Readonly<Record<string, string>> = {
  '20.04': '20.04',
  focal: '20.04',
  '22.04': '22.04',
  jammy: '22.04',
  '24.04': '24.04',
  noble: '24.04',
  lts: '24.04',
  '25.10': '25.10',
  questing: '25.10',
  '26.04': '26.04',
  resolute: '26.04',
};
const NAME = /^([a-zA-Z]|[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z0-9])$/;
/** How many launches the daemon's thread pool runs at once: the number of host CPUs (docs/facts/multipass.md 5). */
const POOL = 4;
/** The fault `launch-timeout-lies`: milliseconds from the reported timeout until the machine answers. */
const READY_AFTER_TIMEOUT_MS = 20_000;
/** Milliseconds until the system restarts a daemon that ended during a launch. */
const DAEMON_BACK = 8_000;

interface Request {
  readonly name: string;
  readonly release: string;
  readonly cpus: number;
  readonly memory: string;
  readonly disk: string;
  readonly userData: UserData;
}

/**
 * `multipass launch`: the client's checks, then the daemon's in their order, then the machine
 * (docs/facts/multipass.md 1.3).
 */
export async function launch(call: HostCall, { positionals, options }: ParsedArgs): Promise<ProgramResult> {
  const { world } = call;
  const { engine } = world;
  if (positionals.length > 1) return usage('Too many arguments supplied');
  const cpus = options.get('cpus') ?? '1';
  if (!/^[1-9]\d*$/.test(cpus)) return usage(`Error: invalid CPU count '${cpus}', need a positive integer value.`);
  const sizes = { memory: options.get('memory') ?? '1G', disk: options.get('disk') ?? '5G' };
  for (const size of Object.values(sizes)) {
    if (bytesOf(size) === undefined) {
      return usage(
        `[error] [client] Caught an unhandled exception: ${size} is not a valid memory size - need a non-negative integer with optional unit.`,
      );
    }
  }
  const limit = timeLimit(options.get('timeout'));
  if (limit === 'invalid') return usage('error: --timeout value has to be a positive integer');
  const cloudInit = options.get('cloud-init');
  if (cloudInit !== undefined && cloudInit !== '-') {
    return usage(
      `Could not load cloud-init configuration: bad file: ${cloudInit}\nPlease ensure that Multipass can read it.`,
      `launch --cloud-init ${cloudInit}`,
    );
  }
  const userData = cloudInit === undefined ? {} : readUserData(Buffer.from(call.stdin).toString('utf8'));
  if ('problem' in userData) return usage(`Could not load cloud-init configuration: ${userData.problem}`);

  await world.clock.sleep(ENGINE_CALL);
  if (isDaemonAway(world)) return failure('launch', 'cannot connect to the multipass socket');
  const image = positionals[0] ?? 'lts';
  const name = options.get('name') ?? `keen-${world.token(3)}`;
  const noise = spinner(`Creating ${name}`);
  const refuse = (...lines: readonly string[]): ProgramResult => ({ ...failure('launch', ...lines), stdout: noise });
  if (isFaultActive(world, 'image-server-down')) return refuse('Remote "" is unknown or unreachable.');
  const release = RELEASES[image];
  if (release === undefined) return refuse(`Unable to find an image matching "${image}" in remote "".`);
  const invalid = (detail: string): ProgramResult => refuse('Invalid arguments supplied', detail);
  // When several are wrong, only the last one is reported.
  if ((bytesOf(sizes.disk) ?? 0) < 512 * 2 ** 20) return invalid(`Invalid disk size value supplied: ${sizes.disk}.`);
  if ((bytesOf(sizes.memory) ?? 0) < 128 * 2 ** 20)
    return invalid(`Invalid memory size value supplied: ${sizes.memory}.`);
  if (!NAME.test(name)) return invalid(`Invalid instance name supplied: ${name}`);
  if (engine.instances.has(name)) return refuse(`instance "${name}" already exists`);
  if (engine.preparing.has(name)) return refuse(`instance "${name}" is being prepared`);

  engine.preparing.add(name);
  const work = bringUp({ ...call }, { name, release, cpus: Number(cpus), ...sizes, userData });
  return expiring(world, consumeFault(world, 'launch-client-timeout') ? ENGINE_CALL : limit, work, {
    exitCode: 5,
    stdout: noise,
    stderr: 'Timed out waiting for instance launch.\n',
  });
}

async function bringUp({ world, mesh, signal }: HostCall, request: Request): Promise<ProgramResult> {
  const { engine, clock } = world;
  const { name, release, userData, cpus, memory, disk } = request;
  const life = daemonLife(world);
  const leave = await enterPool(world);
  try {
    if (!(await imageOf(world, release, name, signal))) {
      engine.preparing.delete(name);
      return failure('launch', 'the client is gone');
    }
    await clock.sleep(MACHINE_CREATE);
    // A new daemon is running and knows nothing of this launch; the client already has its error.
    if (daemonLife(world) !== life) return failure('launch', 'cannot connect to the multipass socket');
    const instance = addInstance(world, {
      name,
      release,
      cpus,
      memory,
      disk,
      state: 'Starting',
      addressKnown: false,
      cloudInit: 'running',
    });
    engine.preparing.delete(name);
    const guest: Guest = { world, mesh, instance };
    CRASH_POINT: await world.crashPoints?.at(`launch ${name}: Starting`, () => {
      // The daemon ended during the launch, and the next one knows nothing of it (docs/facts/multipass.md 7 no. 12).
      instance.state = 'Unknown';
      restartDaemon(world, DAEMON_BACK);
    });
    const lies = consumeFault(world, 'launch-timeout-lies');
    if (lies) {
      void clock.sleep(ENGINE_PATIENCE + READY_AFTER_TIMEOUT_MS).then(() => finish(guest, userData));
      await clock.sleep(ENGINE_PATIENCE);
      if (engine.instances.get(name) === instance) instance.state = 'Unknown';
      return {
        ...failures('launch', [`${name}: timed out waiting for response`]),
        stdout: spinner(`Starting ${name}`),
      };
    }
    if (!(await finish(guest, userData))) {
      return { ...failures('launch', [`instance "${name}" does not exist`]), stdout: spinner(`Starting ${name}`) };
    }
    return { exitCode: 0, stdout: `${spinner(`Waiting for initialization to complete`)}Launched: ${name}\n` };
  } finally {
    leave();
  }
}

/** Power on, then cloud-init; false when the machine was removed meanwhile. */
async function finish(guest: Guest, userData: UserData): Promise<boolean> {
  const { world, instance } = guest;
  if (world.engine.instances.get(instance.name) !== instance) return false;
  if (!(await powerOn(guest))) return false;
  const late = consumeFault(world, 'address-late');
  world.clock.after(late ? ADDRESS_LATE : world.engine.pace.address, () => void (instance.addressKnown = true));
  await firstCloudInit(guest, userData, powerOff);
  return world.engine.instances.get(instance.name) === instance;
}

const downloads = new WeakMap<object, Map<string, Promise<void>>>();

/**
 * One download of an image serves all launches that need it; a new daemon starts over. Killing a client also ends its
 * download (docs/facts/multipass.md 3.3); the other launches then fetch the image themselves. Returns false when this
 * client was killed.
 */
async function imageOf(world: World, release: string, name: string, client?: AbortSignal): Promise<boolean> {
  const life = daemonLife(world);
  const running = downloads.get(life) ?? new Map<string, Promise<void>>();
  downloads.set(life, running);
  const isKilled = (): boolean => client?.reason === KILLED || client?.reason === TERMINATED;
  const fetchImage = async (): Promise<void> => {
    await world.clock.sleep(IMAGE_DOWNLOAD / 2);
    let ends = false;
    CRASH_POINT: ends = (await world.crashPoints?.endsAt(`launch ${name}: image half pulled`)) === true;
    if (!ends) await world.clock.sleep(IMAGE_DOWNLOAD / 2);
    running.delete(release);
    if (!ends && !isKilled()) world.engine.images.add(release);
  };
  while (!world.engine.images.has(release)) {
    if (isKilled()) return false;
    const download = running.get(release) ?? fetchImage();
    running.set(release, download);
    await download;
  }
  return true;
}

const pools = new WeakMap<object, { busy: number; readonly waiting: (() => void)[] }>();

/** Waits for a free slot in the daemon's thread pool; returns a function that releases it. */
async function enterPool(world: World): Promise<() => void> {
  const life = daemonLife(world);
  const pool = pools.get(life) ?? { busy: 0, waiting: [] };
  pools.set(life, pool);
  if (pool.busy >= POOL) await new Promise<void>((resolve) => pool.waiting.push(resolve));
  pool.busy++;
  return () => {
    pool.busy--;
    pool.waiting.shift()?.();
  };
}
