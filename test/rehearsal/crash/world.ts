import type { Session } from '../../../src/commands/command.ts';
import { simulateBundle } from '../../../src/commands/bundle-mode.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { createRehearsal, type Rehearsal } from '../../../src/rehearsal/index.ts';
import { addInstance } from '../../../src/rehearsal/state.ts';
import { createLab } from '../../../src/steps/create-lab.ts';
import type { Host } from '../../../src/system/system.ts';
import { createMask } from '../../../src/system/mask.ts';
import { loadShippedData, type ShippedData } from '../../../src/system/shipped.ts';

export const HOST: Host = { platform: 'linux', cpu: 'amd64', cwd: '/home/u/lab', home: '/home/u', env: {} };

let shipped: Promise<ShippedData> | undefined;

function shippedData(): Promise<ShippedData> {
  return (shipped ??= loadShippedData());
}

/** Files of the user, which must not change. */
const FOREIGN_FILES = {
  '/home/u/.kube/config': 'apiVersion: v1\nkind: Config\n',
  '/home/u/lab/notes.txt': 'mine\n',
};

export interface WorldOptions {
  readonly faults?: readonly string[];
  readonly host?: Host;
  /** Default Multipass. */
  readonly engine?: 'multipass' | 'incus';
  /** Whether there is a bundle, created on another computer, at `BUNDLE`. */
  readonly bundle?: boolean;
}

export const BUNDLE = '/home/u/lab/lab.tar';

let bundle: Promise<Uint8Array> | undefined;

/** Created once, on another simulated computer. */
function bundleFile(): Promise<Uint8Array> {
  return (bundle ??= (async () => {
    const data = await shippedData();
    const { system, drive, files } = createRehearsal({ host: HOST, shipped: data });
    const { config } = loadConfig({ host: HOST, versions: data.versions });
    const options = { fixCa: true, fixPilot: true };
    const lab = createLab({ config, host: HOST, shipped: data, system, mask: createMask(), options });
    const session = { app: { lab }, signal: new AbortController().signal } as unknown as Session;
    await drive(() => simulateBundle(session, BUNDLE));
    return (await files.read(BUNDLE)) ?? new Uint8Array();
  })());
}

/** A new simulated world, with foreign machines, containers and files. */
export async function freshWorld({
  faults = [],
  host = HOST,
  engine = 'multipass',
  bundle: withBundle = false,
}: WorldOptions = {}): Promise<Rehearsal> {
  const rehearsal = createRehearsal({ host, engine, shipped: await shippedData(), faults, seedFiles: FOREIGN_FILES });
  const { world } = rehearsal;
  addInstance(world, { name: 'primary', state: 'Running' });
  addInstance(world, { name: 'foreign', state: 'Stopped' });
  addInstance(world, { name: 'foreign-deleted', state: 'Deleted' });
  if (withBundle) await rehearsal.files.write(BUNDLE, await bundleFile());
  world.containers.set('foreign', 'docker.io/library/postgres:16');
  return rehearsal;
}
