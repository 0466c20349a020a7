import { asFileError } from '../system/file-errors.ts';
import type { Files, LockHolder } from '../system/system.ts';
import { isFaultActive, consumeFault } from './fault-state.ts';
import type { World } from './world.ts';

/** Process id of the program of the fault `second-up`. */
const OTHER_PID = 3_141;

/** The Files interface with file system faults, in the words of the real interface. */
export function withFileFaults(world: World, files: Files): Files {
  let other: LockHolder | undefined;
  const guard = (path: string): void => {
    const code = consumeFault(world, 'host-disk-full')
      ? 'ENOSPC'
      : consumeFault(world, 'file-forbidden')
        ? 'EACCES'
        : undefined;
    if (code === undefined) return;
    throw asFileError(Object.assign(new Error(`${code}: '${path}'`), { code, path }), path, 'write');
  };
  return {
    ...files,
    lock: async (path, holder) => {
      if (!isFaultActive(world, 'second-up')) return files.lock(path, holder);
      other ??= { pid: OTHER_PID, command: 'istio-vms up', since: holder.since };
      return { heldBy: other };
    },
    write: async (path, content, mode) => {
      guard(path);
      await files.write(path, content, mode);
    },
    makeDirectory: async (path, mode) => {
      guard(path);
      await files.makeDirectory(path, mode);
    },
  };
}
