import type { World } from './world.ts';

/** Whether this one-shot fault strikes now; it never does again. */
export function strike(world: World, name: string): boolean {
  return world.faults.delete(name);
}
