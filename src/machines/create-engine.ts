import type { Config } from '../config/config.ts';
import type { ShippedData } from '../system/shipped.ts';
import type { System } from '../system/system.ts';
import type { EngineDefinition } from './definition.ts';
import { ENGINES } from './index.ts';
import type { MachineEngine } from './machine.ts';

/** The engine that creates the machines of a lab. No other code depends on which engine it is. */
export function createEngine(
  system: Pick<System, 'processes' | 'files' | 'clock'>,
  shipped: Pick<ShippedData, 'guest'>,
  config: Pick<Config, 'engine' | 'engineSettings' | 'lab' | 'k3s' | 'workloads'>,
  onLost: () => void = () => undefined,
): MachineEngine {
  const text = shipped.guest['place.sh'];
  if (text === undefined) throw new Error('data/guest/place.sh is missing from the package');
  const definition = (ENGINES as Readonly<Record<string, EngineDefinition>>)[config.engine];
  if (definition === undefined) throw new Error(`there is no machine engine ${config.engine}`);
  return definition.create({
    system,
    place: { text, lab: config.lab },
    names: {
      nodes: [config.k3s.master, ...config.k3s.workerNames],
      workloads: config.workloads.map(({ name }) => name),
    },
    settings: config.engineSettings,
    onLost,
  });
}
