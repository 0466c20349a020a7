import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CLI, type Computer } from './computer.ts';
import { quoteCommand } from '../../src/system/quote.ts';

/** A run of the CLI on a terminal. */
export interface TerminalRun {
  /** What its keyboard sends. */
  readonly type: (keys: string) => void;
  /** Resolves when this stands on the terminal. */
  readonly shows: (text: string | RegExp) => Promise<void>;
  /** Everything that was ever written to the terminal. */
  readonly written: () => string;
  /** Takes the terminal away, as closing its window does. */
  readonly close: () => void;
  readonly done: Promise<number | null>;
}

export const CTRL_C = '\x03';

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
  let written = '';
  const waiting = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    written += chunk.toString('utf8');
    for (const look of waiting) look();
  });
  child.stdin.on('error', () => undefined);
  return {
    type: (keys) => void child.stdin.write(keys),
    shows: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          const plain = written.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, '');
          if (typeof text === 'string' ? !plain.includes(text) : !text.test(plain)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    written: () => written,
    close: () => child.kill('SIGKILL'),
    done: once(child, 'close').then(([code]) => code as number | null),
  };
}

/** Whether the terminal is as it was: the cursor to be seen, and at the beginning of a line. */
export function isRestored(written: string): { cursor: 'shown' | 'hidden'; line: 'whole' | 'half' } {
  const cursor = written.lastIndexOf('\x1b[?25l') > written.lastIndexOf('\x1b[?25h') ? 'hidden' : 'shown';
  const text = written.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, '');
  return { cursor, line: text === '' || text.endsWith('\n') ? 'whole' : 'half' };
}
