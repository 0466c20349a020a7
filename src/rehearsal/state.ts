import { createHash } from 'node:crypto';
import type { Host } from '../system/system.ts';
import type { ShippedData } from '../system/shipped.ts';
import { createVirtualClock, type VirtualClock } from './clock.ts';
import { DEFAULT_ENGINE, traitsOf } from './engines/traits.ts';
import type { EngineState, Instance, World } from './world.ts';

/** Default start time of the simulated world. */
const WORLD_START = Date.parse('2026-01-05T09:00:00Z');

export interface WorldOptions {
  readonly host: Host;
  readonly shipped: ShippedData;
  /** Milliseconds since 1970; default `WORLD_START`. */
  readonly start?: number;
  readonly clock?: VirtualClock;
  /** Host programs that are installed; default the engine's and all others. */
  readonly tools?: readonly string[];
  /** The engine to simulate; default: the first one. */
  readonly engine?: string;
  /** Values of the engine's own variables; everything that they name exists. */
  readonly engineSettings?: EngineState['settings'];
  /** Existing machines that were not created by istio-vms. */
  readonly foreign?: readonly Pick<Instance, 'name' | 'state'>[];
}

/** A world with its tools installed, a running daemon, and no machines but foreign ones. */
export function createWorld(options: WorldOptions): World {
  const { host, engine: name = DEFAULT_ENGINE, engineSettings: settings = {} } = options;
  const traits = traitsOf(name);
  const world: World = {
    clock: options.clock ?? createVirtualClock(options.start ?? WORLD_START),
    host,
    shipped: options.shipped,
    faults: new Set(),
    triggeredFaults: new Set(),
    tools: new Set(options.tools ?? [name, 'kubectl', 'docker', 'podman']),
    engine: {
      name,
      version: traits.version(host),
      pace: traits.pace(settings),
      settings,
      localImages: traits.localImages(settings),
      daemonUp: true,
      instances: new Map(),
      images: new Set(),
      preparing: new Set(),
      subnet: traits.subnet,
      nextAddress: 2,
    },
    cluster: undefined,
    guestPrograms: new Map(),
    containers: new Map(),
    containerImages: new Map(),
    refused: [],
    token: tokens(),
  };
  for (const { name, state } of options.foreign ?? []) addInstance(world, { name, state });
  return world;
}

/** Required properties of an instance; the rest has an engine's defaults (docs/facts/multipass.md 1.3). */
export type InstanceSpec = Pick<Instance, 'name'> & Partial<Instance>;

/** Adds a machine to the world with what a cloud image has: two users, a hosts file, a resolver, and nothing else. */
export function addInstance(world: World, spec: InstanceSpec): Instance {
  const address = newAddress(world);
  const instance: Instance = {
    release: '24.04',
    cpus: 1,
    memory: '1G',
    disk: '5G',
    cpu: world.host.cpu,
    state: 'Running',
    address,
    addressKnown: true,
    bootId: bootId(world),
    manageHosts: true,
    cloudInit: 'done',
    files: new Map(),
    users: new Set(['root', 'ubuntu']),
    units: new Map(),
    packages: new Map(),
    importedImages: new Set(),
    rules: false,
    frozenUntilNewSession: false,
    ...spec,
  };
  const file = (path: string, content: string): void => {
    if (!instance.files.has(path)) instance.files.set(path, { content, mode: 0o644, owner: 'root', group: 'root' });
  };
  file('/etc/hosts', imageHosts(instance.name));
  file('/etc/resolv.conf', 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n');
  world.engine.instances.set(instance.name, instance);
  return instance;
}

/** An address that no machine had before. */
export function newAddress({ engine }: World): string {
  return `${engine.subnet}.${engine.nextAddress++}`;
}

/** /etc/hosts as cloud-init writes it. */
export function imageHosts(name: string): string {
  return `127.0.1.1 ${name} ${name}\n127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n`;
}

/** A boot id in the kernel's form. */
export function bootId(world: World): string {
  return world.token(16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Deterministic bytes that look random: the n-th call returns the n-th value, in lower-case hex. */
function tokens(): (bytes: number) => string {
  let calls = 0;
  return (bytes) => {
    const seed = `token ${calls++}`;
    let hex = '';
    for (let block = 0; hex.length < bytes * 2; block++) {
      hex += createHash('sha256').update(`${seed}/${block}`).digest('hex');
    }
    return hex.slice(0, bytes * 2);
  };
}
