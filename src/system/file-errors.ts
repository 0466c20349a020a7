import { CliError } from '../errors/cli-error.ts';

/** Node's error code, e.g. `ENOENT`. */
export function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** Nothing is at this path; neither where one of its parents is no directory. */
export function isAbsent(thrown: unknown): boolean {
  return codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR';
}

/** What a file error means to people; what means nothing to them is handed on as it is. */
export function asFileError(thrown: unknown, path: string, verb: string): unknown {
  switch (codeOf(thrown)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new CliError('disk-full', {
        message: `The disk is full: cannot ${verb} ${path}.`,
        hint: 'Free some space, then run the same command again.',
        cause: thrown,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new CliError('permission-denied', {
        message: `No permission to ${verb} ${path}.`,
        hint: `Check who owns it (\`ls -ld\`), perhaps after an earlier run with sudo; or move it with DATA_DIR, BIN_DIR or TEMP_DIR.`,
        cause: thrown,
      });
    case 'EISDIR':
    case 'ENOTDIR':
    case 'EEXIST':
      return new CliError('permission-denied', {
        message: `Cannot ${verb} ${path}: something else is in its place.`,
        hint: 'Look at what is there, and move it out of the way.',
        cause: thrown,
      });
    default:
      return thrown;
  }
}
