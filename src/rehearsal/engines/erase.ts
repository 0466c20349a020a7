import { powerOff } from '../guest/boot.ts';
import type { Guest } from '../guest/systemd.ts';

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
