import { createClock } from './clock.ts';
import type { System } from './system.ts';
import { createDownloads } from './downloads.ts';
import { createFiles } from './files.ts';
import { createProcesses } from './processes.ts';

/** The system interfaces with real effects. */
export interface RealSystem extends System {
  /** Kills every running command: for the second Ctrl-C. */
  killAll(): void;
}

export function createRealSystem(): RealSystem {
  const processes = createProcesses();
  return {
    processes,
    files: createFiles(),
    clock: createClock(),
    downloads: createDownloads(),
    killAll: () => processes.killAll(),
  };
}
