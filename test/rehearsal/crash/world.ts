import { createRehearsal, type Rehearsal } from '../../../src/rehearsal/index.ts';
import { addInstance } from '../../../src/rehearsal/state.ts';
import type { Host } from '../../../src/system/doors.ts';
import { loadShippedData, type ShippedData } from '../../../src/system/shipped.ts';

export const HOST: Host = { platform: 'linux', cpu: 'amd64', cwd: '/home/u/lab', home: '/home/u', env: {} };

let shipped: Promise<ShippedData> | undefined;

function shippedData(): Promise<ShippedData> {
  return (shipped ??= loadShippedData());
}

/** Files of the user that nobody may touch. */
const FOREIGN_FILES = {
  '/home/u/.kube/config': 'apiVersion: v1\nkind: Config\n',
  '/home/u/lab/notes.txt': 'mine\n',
};

export interface Stage {
  readonly faults?: readonly string[];
  readonly host?: Host;
}

/** A fresh world in which somebody else's things are, too. */
export async function freshWorld({ faults = [], host = HOST }: Stage = {}): Promise<Rehearsal> {
  const rehearsal = createRehearsal({ host, shipped: await shippedData(), faults, seedFiles: FOREIGN_FILES });
  const { world } = rehearsal;
  addInstance(world, { name: 'primary', state: 'Running' });
  addInstance(world, { name: 'theirs', state: 'Stopped' });
  addInstance(world, { name: 'in-the-bin', state: 'Deleted' });
  world.containers.set('theirs', 'docker.io/library/postgres:16');
  return rehearsal;
}
