import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';

const STDERR = 2;
const SHOW_CURSOR = '\x1b[?25h';

/**
 * Gives the terminal its cursor back, at the beginning of a line. By the file itself: whoever draws on stderr holds back
 * what others write there, and is not asked any more when the program falls over.
 */
export function restoreTerminal(): void {
  if (isatty(STDERR)) writeSync(STDERR, `${SHOW_CURSOR}\n`);
}
