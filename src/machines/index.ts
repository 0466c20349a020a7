import type { Doors } from '../system/doors.ts';
import type { ShippedData } from '../system/shipped.ts';
import type { Config } from '../config/config.ts';
import { createIncus } from './incus.ts';
import type { MachineEngine } from './machine.ts';
import { createMultipass } from './multipass.ts';

/** The engine that makes our machines, as MACHINE_ENGINE chose it. No other room knows which it is. */
export function createEngine(
  doors: Pick<Doors, 'processes' | 'files' | 'clock'>,
  shipped: Pick<ShippedData, 'guest'>,
  config: Pick<Config, 'engine' | 'incus' | 'lab' | 'k3s' | 'vm'>,
  onLost: () => void = () => undefined,
): MachineEngine {
  const text = shipped.guest['place.sh'];
  if (text === undefined) throw new Error('data/guest/place.sh is missing from the package');
  const place = { text, lab: config.lab };
  if (config.engine === 'multipass') return createMultipass({ doors, place, onLost });
  const names = { nodes: [config.k3s.master, ...config.k3s.workerNames], workload: config.vm.name };
  return createIncus({ doors, place, settings: config.incus, names });
}
