import type { EngineTraits } from '../world.ts';
import { incus } from './incus/traits.ts';
import { multipass } from './multipass/traits.ts';

/** Every simulated engine, as MACHINE_ENGINE names it; the first is the default. */
const TRAITS: Readonly<Record<string, EngineTraits>> = { multipass, incus };

export const [DEFAULT_ENGINE = ''] = Object.keys(TRAITS);

export function traitsOf(engine: string): EngineTraits {
  const traits = TRAITS[engine];
  if (traits === undefined) throw new Error(`there is no simulated engine ${engine}`);
  return traits;
}
