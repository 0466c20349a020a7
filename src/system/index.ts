import { createClock } from './clock.ts';
import type { Doors } from './doors.ts';
import { createDownloads } from './downloads.ts';
import { createFiles } from './files.ts';
import { createProcesses } from './processes.ts';

/** The doors onto the real world. */
export interface RealDoors extends Doors {
  /** Ends every command that only looks: for the first Ctrl-C. */
  cutReads(): void;
  /** Ends every command that still runs: for the second Ctrl-C. */
  killAll(): void;
}

export function createRealDoors(): RealDoors {
  const processes = createProcesses();
  return {
    processes,
    files: createFiles(),
    clock: createClock(),
    downloads: createDownloads(),
    cutReads: () => processes.cutReads(),
    killAll: () => processes.killAll(),
  };
}
