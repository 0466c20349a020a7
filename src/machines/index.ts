import type { System } from '../system/system.ts';
import type { ShippedData } from '../system/shipped.ts';
import type { Config } from '../config/config.ts';
import { createIncus } from './incus/engine.ts';
import type { MachineEngine } from './machine.ts';
import { createMultipass } from './multipass/engine.ts';

/** The engine that makes our machines, as MACHINE_ENGINE chose it. No other room knows which it is. */
export function createEngine(
  system: Pick<System, 'processes' | 'files' | 'clock'>,
  shipped: Pick<ShippedData, 'guest'>,
  config: Pick<Config, 'engine' | 'incus' | 'lab' | 'k3s' | 'workloads'>,
  onLost: () => void = () => undefined,
): MachineEngine {
  const text = shipped.guest['place.sh'];
  if (text === undefined) throw new Error('data/guest/place.sh is missing from the package');
  const place = { text, lab: config.lab };
  if (config.engine === 'multipass') return createMultipass({ system, place, onLost });
  const names = {
    nodes: [config.k3s.master, ...config.k3s.workerNames],
    workloads: config.workloads.map(({ name }) => name),
  };
  return createIncus({ system, place, settings: config.incus, names });
}
