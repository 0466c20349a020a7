import { FAULT_LASTS } from './durations.ts';
import type { FaultName } from './faults.ts';
import type { World } from './world.ts';

/** Whether this one-shot fault takes effect now; it does so only once. */
export function consumeFault(world: World, name: FaultName): boolean {
  const consumed = world.faults.delete(name);
  if (consumed) world.triggeredFaults.add(name);
  return consumed;
}

/** Whether this fault without an end is switched on; call it only where the fault has an effect. */
export function isFaultOn(world: World, name: FaultName): boolean {
  const on = world.faults.has(name);
  if (on) world.triggeredFaults.add(name);
  return on;
}

/** Lasting faults that have started, by world. */
const met = new WeakMap<World, Set<FaultName>>();

/** Whether this lasting fault has started and is not over. */
export function hasFaultStarted(world: World, name: FaultName): boolean {
  return met.get(world)?.has(name) === true;
}

/** Whether this fault is active. It lasts its time (`FAULT_LASTS`) from the moment it first has an effect. */
export function isFaultActive(world: World, name: keyof typeof FAULT_LASTS): boolean {
  if (!world.faults.has(name)) return false;
  const known = met.get(world) ?? new Set<FaultName>();
  met.set(world, known);
  if (!known.has(name)) {
    known.add(name);
    world.triggeredFaults.add(name);
    world.clock.after(FAULT_LASTS[name], () => {
      world.faults.delete(name);
      known.delete(name);
    });
  }
  return true;
}
