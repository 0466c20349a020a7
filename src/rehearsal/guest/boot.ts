import { GUEST_SCRIPT } from '../durations.ts';
import { bootId, imageHosts } from '../state.ts';
import type { Instance } from '../world.ts';
import { resumeCloudInit } from './cloud-init.ts';
import { removeGuest, writeGuest } from './files.ts';
import { demoPort, ownApplication } from './listeners.ts';
import { k3sUnit } from './k3s.ts';
import { dropSessions } from './sessions.ts';
import { sidecarUnit } from './sidecar.ts';
import { endAllUnits, startUnit, UnitExit, type Guest, type UnitModel, type UnitModels } from './systemd.ts';
import { findUnitFile } from './unit-file.ts';

/** Directories in memory, which a power cut clears (docs/facts/istio-vm.md 5.8). */
const MEMORY = ['/run', '/tmp'];

/** A web server, which exits at once when another application uses its port. */
const demoUnit: UnitModel = {
  run: async (run) => {
    const port = demoPort(run.instance);
    if (port !== undefined && ownApplication(run.instance, port) !== undefined) {
      await run.sleep(GUEST_SCRIPT);
      throw new UnitExit(1, 'OSError: [Errno 98] Address already in use');
    }
    run.active();
  },
};

/** Units whose processes affect the world; every other unit just runs. */
export const UNIT_MODELS: UnitModels = {
  k3s: k3sUnit,
  'k3s-agent': k3sUnit,
  'istio-vms-demo': demoUnit,
  istio: sidecarUnit((guest) => reboot(guest)),
};

/** Power off: all processes end, and what was in memory is lost. */
export function powerOff(guest: Guest, state: Instance['state'] = 'Stopped'): void {
  const { instance } = guest;
  endAllUnits(guest, UNIT_MODELS);
  instance.state = state;
  instance.rules = false;
  MEMORY.forEach((path) => removeGuest(instance, path));
  dropSessions(instance);
}

/**
 * Powers on and waits until commands can be run; enabled units start. Resolves to false when the machine went away
 * meanwhile.
 */
export async function powerOn(guest: Guest, state: 'Starting' | 'Restarting' = 'Starting'): Promise<boolean> {
  const { instance, world } = guest;
  instance.state = state;
  const boot = bootId(world);
  instance.bootId = boot;
  await world.clock.sleep(world.engine.pace.boot);
  if (instance.bootId !== boot || instance.state !== state) return false;
  if (instance.manageHosts) writeGuest(instance, '/etc/hosts', imageHosts(instance.name));
  instance.state = 'Running';
  const resumed = resumeCloudInit(guest, powerOff);
  const held: Promise<unknown>[] = [resumed];
  for (const [name, unit] of instance.units) {
    if (!unit.enabled) continue;
    const job = startUnit(guest, name, UNIT_MODELS);
    if (holdsBoot(instance, name)) held.push(job);
  }
  void bootTo(guest, held);
  return true;
}

/** multi-user.target is reached after every unit that it wants, unless the unit disables default dependencies. */
function holdsBoot(instance: Instance, name: string): boolean {
  return !/^(no|false|off|0)$/.test(findUnitFile(instance, name)?.get('Unit.DefaultDependencies') ?? 'yes');
}

/** cloud-init's last stage runs at every boot, after multi-user.target: `cloud-init status --wait` waits for it. */
async function bootTo({ instance }: Guest, held: readonly Promise<unknown>[]): Promise<void> {
  const { bootId: boot, cloudInit } = instance;
  if (cloudInit === 'error' || held.length === 1) return;
  instance.cloudInit = 'running';
  await Promise.all(held);
  if (instance.bootId === boot && (instance.cloudInit as string) !== 'error') instance.cloudInit = 'done';
}

/** The guest restarts itself; its engine detects this and waits for it (docs/facts/multipass.md 1.8). */
export async function reboot(guest: Guest): Promise<void> {
  if (guest.instance.state !== 'Running') return;
  powerOff(guest, 'Restarting');
  await powerOn(guest, 'Restarting');
}

/** Kills and erases a machine; a cluster on it is gone as well. */
export function erase(guest: Guest): void {
  const { world, instance } = guest;
  // The machine is killed, not shut down, so nothing disconnects from the mesh in an orderly way.
  instance.state = 'Deleted';
  powerOff(guest, 'Deleted');
  // Code that still waits for this machine must see a different boot id.
  instance.bootId = 'erased';
  world.engine.instances.delete(instance.name);
  world.cluster?.nodeDown(instance.name);
  if (world.cluster?.server === instance.name) world.cluster = undefined;
}
