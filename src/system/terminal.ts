import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';

const STDERR = 2;
const SHOW_CURSOR = '\x1b[?25h';

/**
 * Restores the terminal's cursor, at the beginning of a line. It writes to the file descriptor directly: the progress
 * tree holds back other writes to stderr, and no longer runs when the program crashes.
 */
export function restoreTerminal(): void {
  if (isatty(STDERR)) writeSync(STDERR, `${SHOW_CURSOR}\n`);
}
