import type { Host } from '../system/system.ts';
import { restartDaemon } from './engines/daemon.ts';
import type { FaultName } from './faults.ts';
import {
  addressGone,
  masterRebooted,
  vmDeleted,
  vmMoved,
  vmStopped,
  workerRebooted,
  workerStopped,
} from './machine-events.ts';
import type { Mesh, World } from './world.ts';

/** How a fault begins. */
interface FaultSetup {
  /** Changes the host before the world is created. */
  readonly host?: (host: Host) => Host;
  /** Changes the new world. */
  readonly apply?: (world: World, mesh: Mesh) => void;
}

/** When the daemon restarts and how long it is away: while the first machines are launching. Milliseconds. */
const DAEMON_RESTARTS_AFTER = 20_000;
const DAEMON_AWAY = 8_000;

/** Faults that begin by themselves; the other ones take effect where a program checks `world.faults`. */
const FAULT_SETUPS: Readonly<Partial<Record<FaultName, FaultSetup>>> = {
  'arm64-deb-missing': { host: (host) => ({ ...host, cpu: 'arm64' }) },
  'daemon-down': { apply: (world) => void (world.engine.daemonUp = false) },
  'daemon-restart': {
    apply: (world) =>
      world.clock.after(DAEMON_RESTARTS_AFTER, () => {
        world.triggeredFaults.add('daemon-restart');
        restartDaemon(world, DAEMON_AWAY);
      }),
  },
  offline: {
    apply: ({ engine }) => {
      for (const image of engine.localImages) engine.images.add(image);
    },
  },
  'address-gone': { apply: addressGone },
  'vm-deleted': { apply: vmDeleted },
  'vm-moved': { apply: vmMoved },
  'vm-stopped': { apply: vmStopped },
  'worker-stopped': { apply: workerStopped },
  'worker-rebooted': { apply: workerRebooted },
  'master-rebooted': { apply: masterRebooted },
};

/** The host on which these faults can happen. */
export function hostWith(faults: readonly FaultName[], host: Host): Host {
  return faults.reduce((before, fault) => FAULT_SETUPS[fault]?.host?.(before) ?? before, host);
}

/** Switches a fault on. */
export function startFault({ world, mesh }: { readonly world: World; readonly mesh: Mesh }, fault: FaultName): void {
  world.faults.add(fault);
  FAULT_SETUPS[fault]?.apply?.(world, mesh);
}

/** Whether a fault begins by itself, and so needs no program that meets it. */
export const startsByItself = (fault: FaultName): boolean => FAULT_SETUPS[fault] !== undefined;
