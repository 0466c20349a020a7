import type { World } from './world.ts';

/**
 * A point at which work of the simulated world can end half done: between two objects, between two files, an image half
 * pulled. Nothing happens there, unless a crash test has asked to be told (`world.passing`), and says that it ends here.
 * @param place names the point, e.g. `place vm: 2 of 11 files`
 * @param atEnd what the world sees of a process that is gone, e.g. that it no longer holds a stage
 */
export async function crashPoint(world: World, place: string, atEnd?: () => void): Promise<void> {
  if (world.passing === undefined || (await world.passing(place)) === 'go-on') return;
  atEnd?.();
  await new Promise(() => undefined);
}
