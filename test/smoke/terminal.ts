import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CLI, type Computer } from './computer.ts';
import { listen } from './listen.ts';
import { quoteCommand } from '../../src/system/quote.ts';
import { ECHO_MS } from '../../src/system/signals.ts';

/** A run of the CLI on a terminal. */
export interface TerminalRun {
  /** What its keyboard sends. */
  readonly type: (keys: string) => void;
  /** Resolves when this stands on the terminal. */
  readonly shows: (text: string) => Promise<void>;
  /** Everything that was ever written to the terminal. */
  readonly written: () => string;
  /** Takes the terminal away, as closing its window does. */
  readonly close: () => void;
  readonly done: Promise<number | null>;
}

export const CTRL_C = '\x03';
/** Any sooner, and a second Ctrl-C would be taken for the echo of the first. */
export const NO_ECHO_MS = ECHO_MS + 100;

/**
 * Starts the CLI on a pseudo-terminal of 100 columns, made by `script` of util-linux (on every Debian and Ubuntu). What is
 * typed goes through the terminal's driver: a Ctrl-C is a signal to the foreground, as with a person.
 * @param through a program in front of it, e.g. npx's part
 */
export function onTerminal(
  { cwd, env }: Pick<Computer, 'cwd' | 'env'>,
  args: readonly string[],
  through: readonly string[] = [],
): TerminalRun {
  const [file = '', ...rest] = [...through, process.execPath, CLI, ...args];
  const command = `/usr/bin/stty columns 100 rows 40; exec ${quoteCommand(file, rest)}`;
  const child = spawn('/usr/bin/script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    cwd,
    env: { ...env, TERM: 'xterm', SHELL: '/bin/sh', NO_COLOR: '' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const screen = listen(child.stdout);
  child.stdin.on('error', () => undefined);
  return {
    type: (keys) => void child.stdin.write(keys),
    shows: (text) => screen.shows((written) => withoutMoves(written).includes(text)),
    written: screen.all,
    close: () => child.kill('SIGKILL'),
    done: once(child, 'close').then(([code]) => code as number | null),
  };
}

/** Whether the terminal is as it was: the cursor to be seen, and at the beginning of a line. */
export function isRestored(written: string): { cursor: 'shown' | 'hidden'; line: 'whole' | 'half' } {
  const cursor = written.lastIndexOf('\x1b[?25l') > written.lastIndexOf('\x1b[?25h') ? 'hidden' : 'shown';
  const text = withoutMoves(written);
  return { cursor, line: text === '' || text.endsWith('\n') ? 'whole' : 'half' };
}

/** The text alone, without what moves or paints it. */
function withoutMoves(written: string): string {
  return written.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, '');
}
