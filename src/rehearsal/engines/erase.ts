import { powerOff } from '../guest/boot.ts';
import type { Guest } from '../guest/systemd.ts';

/** Kills and erases; the cluster that lived on it is gone with it. */
export function erase(guest: Guest): void {
  const { world, instance } = guest;
  // Killed, not shut down: nobody says good-bye to the mesh.
  instance.state = 'Deleted';
  powerOff(guest, 'Deleted');
  // Whoever still waits for this machine must see that it is another's boot.
  instance.bootId = 'erased';
  world.engine.instances.delete(instance.name);
  world.cluster?.nodeDown(instance.name);
  if (world.cluster?.server === instance.name) world.cluster = undefined;
}
