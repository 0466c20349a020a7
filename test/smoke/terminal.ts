import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CLI, type Computer } from './computer.ts';
import { listen } from './listen.ts';
import { quoteCommand } from '../../src/system/quote.ts';
import { ECHO_MS } from '../../src/system/signals.ts';

/** A run of the CLI on a terminal. */
export interface TerminalRun {
  /** Sends these keys. */
  readonly type: (keys: string) => void;
  /** Resolves when the terminal shows this text. */
  readonly shows: (text: string) => Promise<void>;
  /** Everything that was written to the terminal, with its escape sequences. */
  readonly written: () => string;
  /** Closes the terminal, as closing its window does. */
  readonly close: () => void;
  readonly done: Promise<number | null>;
}

export const CTRL_C = '\x03';
/** The time after which a second Ctrl-C is not taken for an echo of the first, in milliseconds. */
export const NO_ECHO_MS = ECHO_MS + 100;

/**
 * Starts the CLI on a pseudo-terminal of 100 columns, which `script` of util-linux creates. The keys go through the terminal
 * driver, so that Ctrl-C sends a signal to the foreground process group, as for a user.
 * @param through a program that starts the CLI, e.g. npx
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
    shows: (text) => screen.waitFor((written) => withoutEscapes(written).includes(text)),
    written: screen.all,
    close: () => child.kill('SIGKILL'),
    done: once(child, 'close').then(([code]) => code as number | null),
  };
}

/** Whether the cursor is visible, and at the beginning of a line. */
export function terminalState(written: string): { cursor: 'shown' | 'hidden'; line: 'whole' | 'half' } {
  const cursor = written.lastIndexOf('\x1b[?25l') > written.lastIndexOf('\x1b[?25h') ? 'hidden' : 'shown';
  const text = withoutEscapes(written);
  return { cursor, line: text === '' || text.endsWith('\n') ? 'whole' : 'half' };
}

/** The text without escape sequences. */
function withoutEscapes(written: string): string {
  return written.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, '');
}
