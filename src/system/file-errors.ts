import { CliError } from '../errors/cli-error.ts';

/** Node's error code, e.g. `ENOENT`. */
export function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** Nothing exists at this path, or one of its parents is not a directory. */
export function isNotFound(thrown: unknown): boolean {
  return codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR';
}

/** Explains a file error to the user; an error that has no explanation is returned unchanged. */
export function asFileError(thrown: unknown, path: string, verb: string): unknown {
  const make = MEANINGS[codeOf(thrown) ?? ''];
  return make === undefined ? thrown : make(path, verb, thrown);
}

type Meaning = (path: string, verb: string, cause: unknown) => CliError;

const diskFull: Meaning = (path, verb, cause) =>
  new CliError('disk-full', {
    message: `The disk is full: cannot ${verb} ${path}.`,
    hint: 'Free some space, then re-run the same command.',
    cause,
  });

const forbidden: Meaning = (path, verb, cause) =>
  new CliError('permission-denied', {
    message: `No permission to ${verb} ${path}.`,
    hint: 'Check who owns it (`ls -ld`), perhaps after an earlier run with sudo; or move it with DATA_DIR, BIN_DIR or TEMP_DIR.',
    cause,
  });

const inTheWay: Meaning = (path, verb, cause) =>
  new CliError('permission-denied', {
    message: `Cannot ${verb} ${path}: something else is in its place.`,
    hint: 'Check what is there, and move it away.',
    cause,
  });

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: diskFull,
  EDQUOT: diskFull,
  EACCES: forbidden,
  EPERM: forbidden,
  EROFS: forbidden,
  EISDIR: inTheWay,
  ENOTDIR: inTheWay,
  EEXIST: inTheWay,
};
