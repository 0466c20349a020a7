import type { Doors } from '../system/doors.ts';
import type { ShippedData } from '../system/shipped.ts';
import type { MachineEngine } from './machine.ts';
import { createMultipass } from './multipass.ts';

/** The engine that makes our machines. Another one is a new file beside `multipass.ts` and a choice here. */
export function createEngine(
  doors: Pick<Doors, 'processes' | 'files' | 'clock'>,
  shipped: Pick<ShippedData, 'guest'>,
): MachineEngine {
  const placeScript = shipped.guest['place.sh'];
  if (placeScript === undefined) throw new Error('data/guest/place.sh is missing from the package');
  return createMultipass({ doors, placeScript });
}
