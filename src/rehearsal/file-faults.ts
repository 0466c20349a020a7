import { asFileError } from '../system/file-errors.ts';
import type { Files } from '../system/doors.ts';
import { strike } from './strike.ts';
import type { World } from './world.ts';

/** The files door, with the faults that a file system has: in the real door's words. */
export function withFileFaults(world: World, files: Files): Files {
  const guard = (path: string): void => {
    const code = strike(world, 'host-disk-full') ? 'ENOSPC' : strike(world, 'file-forbidden') ? 'EACCES' : undefined;
    if (code === undefined) return;
    throw asFileError(Object.assign(new Error(`${code}: '${path}'`), { code, path }), path, 'write');
  };
  return {
    ...files,
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
