import { parse } from 'yaml';
import { CLOUD_INIT_PACKAGES } from '../durations.ts';
import { consumeFault } from '../fault-state.ts';
import { writeGuest } from './files.ts';
import type { Instance } from '../world.ts';
import type { Guest } from './systemd.ts';

interface WrittenFile {
  readonly path: string;
  readonly content?: string;
  readonly permissions?: string;
  readonly owner?: string;
}

/** The parts of user data that this world supports. */
export interface UserData {
  readonly write_files?: readonly WrittenFile[];
  readonly manage_etc_hosts?: boolean;
  readonly packages?: readonly string[];
  readonly package_update?: boolean;
  readonly package_upgrade?: boolean;
}

const KNOWN = new Set(['write_files', 'manage_etc_hosts', 'packages', 'package_update', 'package_upgrade']);

/**
 * User data as an object, or why an engine rejects it: engines parse it and write it again (docs/facts/multipass.md
 * 1.3).
 */
export function readUserData(text: string): UserData | { readonly problem: string } {
  try {
    const value: unknown = parse(text) ?? {};
    if (typeof value === 'object' && !Array.isArray(value)) return value as UserData;
    return { problem: 'operator[] call on a scalar' };
  } catch (error) {
    return { problem: `yaml-cpp: error: ${(error as Error).message.split('\n')[0] ?? ''}` };
  }
}

/** Machines whose first boot was interrupted; the next boot does the rest. */
const cut = new WeakMap<Instance, UserData>();

/** Does the work that an earlier boot left undone because it was interrupted. */
export async function resumeCloudInit(guest: Guest, powerOff: PowerOff): Promise<void> {
  const data = cut.get(guest.instance);
  if (data === undefined) return;
  cut.delete(guest.instance);
  await firstCloudInit(guest, data, powerOff);
}

/** Called for a machine that loses its power. */
type PowerOff = (guest: Guest) => void;

/**
 * The first boot's cloud-init. An engine waits for its end and does not check its result (docs/facts/multipass.md 0.6).
 */
export async function firstCloudInit(
  { world, mesh, instance }: Guest,
  data: UserData,
  powerOff: PowerOff,
): Promise<void> {
  const unknown = Object.keys(data).filter((key) => !KNOWN.has(key));
  unknown.forEach((key) => world.refused.push(`cloud-init on ${instance.name}: ${key}`));
  const boot = instance.bootId;
  instance.cloudInit = 'running';
  instance.manageHosts = data.manage_etc_hosts ?? true;
  await world.clock.sleep(world.engine.pace.cloudInit / 2);
  CRASH_POINT: await world.crashPoints?.at(`cloud-init ${instance.name}: half way`, () => {
    cut.set(instance, data);
    powerOff({ world, mesh, instance });
  });
  for (const { path, content = '', permissions = '0644', owner = 'root:root' } of data.write_files ?? []) {
    const [user = 'root', group = user] = owner.split(':');
    writeGuest(instance, path, content, { mode: Number.parseInt(permissions, 8), owner: user, group });
  }
  if ((data.packages?.length ?? 0) > 0) await world.clock.sleep(CLOUD_INIT_PACKAGES);
  for (const name of data.packages ?? []) instance.packages.set(name, 'archive');
  await world.clock.sleep(world.engine.pace.cloudInit / 2);
  if (instance.bootId === boot) instance.cloudInit = consumeFault(world, 'cloud-init-error') ? 'error' : 'done';
}
