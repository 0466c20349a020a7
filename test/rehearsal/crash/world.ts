import type { Session } from '../../../src/commands/command.ts';
import { simulateBundle } from '../../../src/commands/out-of-bundle.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { createRehearsal, type Rehearsal } from '../../../src/rehearsal/index.ts';
import { addInstance } from '../../../src/rehearsal/state.ts';
import { makeLab } from '../../../src/steps/make-lab.ts';
import type { Host } from '../../../src/system/doors.ts';
import { createMask } from '../../../src/system/mask.ts';
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
  /** Whether a bundle that was made elsewhere lies at `BUNDLE`. */
  readonly bundle?: boolean;
}

export const BUNDLE = '/home/u/lab/lab.tar';

let bundle: Promise<Uint8Array> | undefined;

/** Made once, on a computer of its own. */
function bundleFile(): Promise<Uint8Array> {
  return (bundle ??= (async () => {
    const data = await shippedData();
    const { doors, drive, files } = createRehearsal({ host: HOST, shipped: data });
    const { config } = loadConfig({ host: HOST, versions: data.versions });
    const options = { fixCa: true, fixPilot: true };
    const lab = makeLab({ config, host: HOST, shipped: data, doors, mask: createMask(), options });
    const work = { app: { lab }, signal: new AbortController().signal } as unknown as Session;
    await drive(() => simulateBundle(work, BUNDLE));
    return (await files.read(BUNDLE)) ?? new Uint8Array();
  })());
}

/** A fresh world in which somebody else's things are, too. */
export async function freshWorld({
  faults = [],
  host = HOST,
  bundle: isThere = false,
}: Stage = {}): Promise<Rehearsal> {
  const rehearsal = createRehearsal({ host, shipped: await shippedData(), faults, seedFiles: FOREIGN_FILES });
  const { world } = rehearsal;
  addInstance(world, { name: 'primary', state: 'Running' });
  addInstance(world, { name: 'theirs', state: 'Stopped' });
  addInstance(world, { name: 'in-the-bin', state: 'Deleted' });
  if (isThere) await rehearsal.files.write(BUNDLE, await bundleFile());
  world.containers.set('theirs', 'docker.io/library/postgres:16');
  return rehearsal;
}
