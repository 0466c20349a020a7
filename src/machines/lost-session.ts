import type { CommandError } from '../system/command-error.ts';

/** What a command ends with that never began, or of which nobody knows how far it came: as with ssh. */
export const SESSION_LOST_EXIT = 255;

/**
 * The way to the machine broke off, or could not be opened: ssh's own exit code, or the client's words
 * (docs/facts/multipass.md 1.2). Nobody knows how far the command came; what may be run twice is run again.
 */
export function isLostSession({ failure, result }: CommandError): boolean {
  if (failure !== 'exit' || NOT_THERE.test(result.stderr)) return false;
  return result.exitCode === SESSION_LOST_EXIT || /^exec failed: ssh/m.test(result.stderr);
}

/** A machine that is not there will not be there for the next session either. */
const NOT_THERE = /^instance "[^"]+" (?:does not exist|is deleted)|: Instance not found$/m;
