import type { CommandError } from '../system/command-error.ts';

/**
 * The way to the machine broke off, or could not be opened: ssh's own exit code, or the client's words (facts/multipass.md
 * 1.2). Nobody knows how far the command came; what may be run twice is run again.
 */
export function isLostSession({ failure, result }: CommandError): boolean {
  return failure === 'exit' && (result.exitCode === 255 || /^exec failed: ssh/m.test(result.stderr));
}
