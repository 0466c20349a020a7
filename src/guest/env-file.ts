import { CliError } from '../errors/cli-error.ts';

/** An environment file as a map; a name that stands twice has its last value, as in a shell. */
export type EnvFile = ReadonlyMap<string, string>;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What a shell would act upon. Unquoted, it makes the file more than a list of values. */
const SHELL_MEANS = new Set(['$', '`', ';', '&', '|', '<', '>', '(', ')']);

/**
 * Reads `KEY=value` lines with the quoting of a POSIX shell, as istioctl writes cluster.env. Nothing is expanded.
 * @throws CliError `tool-failed` at anything that a shell would execute, or that is no assignment.
 */
export function parseEnvFile(text: string): EnvFile {
  const entries = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    if (/[\s]/.test(text[at] ?? '')) at += 1;
    else if (text[at] === '#') at = endOfLine(text, at);
    else {
      const equals = text.indexOf('=', at);
      const name = text.slice(at, equals < 0 ? endOfLine(text, at) : equals);
      if (equals < 0 || !NAME.test(name)) throw unreadable(text, at);
      const word = readWord(text, equals + 1);
      entries.set(name, word.value);
      at = word.end;
    }
  }
  return entries;
}

/**
 * Writes the map so that systemd's EnvironmentFile and a POSIX shell read the very same values: double quotes, with a
 * backslash before `"`, `\`, `$` and the backtick. istioctl's own mixture of quotes in mid-word is read by shells alone.
 * @throws CliError `internal-error` for names that are none, and for bytes that no environment can carry.
 */
export function renderEnvFile(entries: EnvFile): string {
  const lines = [...entries].map(([name, value]) => {
    if (!NAME.test(name) || value.includes('\0')) {
      throw new CliError('internal-error', { message: `${JSON.stringify(name)} cannot stand in an environment file.` });
    }
    return `${name}="${value.replace(/["\\$`]/g, '\\$&')}"\n`;
  });
  return `# Made by istio-vms.\n${lines.join('')}`;
}

interface Word {
  readonly value: string;
  /** Index after the word. */
  readonly end: number;
}

function readWord(text: string, start: number): Word {
  let value = '';
  let at = start;
  while (at < text.length && !/\s/.test(text[at] ?? '')) {
    const char = text[at] ?? '';
    if (char === "'") {
      const close = text.indexOf("'", at + 1);
      if (close < 0) throw unreadable(text, start);
      value += text.slice(at + 1, close);
      at = close + 1;
    } else if (char === '"') {
      const quoted = readDoubleQuoted(text, at);
      value += quoted.value;
      at = quoted.end;
    } else if (char === '\\') {
      // A backslash at the end of a line joins it with the next.
      value += text[at + 1] === '\n' ? '' : (text[at + 1] ?? '');
      at += 2;
    } else {
      if (SHELL_MEANS.has(char)) throw unreadable(text, start);
      value += char;
      at += 1;
    }
  }
  // A second word on the line would be a command to the shell, run with this assignment.
  const rest = text.slice(at, endOfLine(text, at)).trim();
  if (rest !== '' && !rest.startsWith('#')) throw unreadable(text, start);
  return { value, end: endOfLine(text, at) };
}

function readDoubleQuoted(text: string, open: number): Word {
  let value = '';
  for (let at = open + 1; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '"') return { value, end: at + 1 };
    if (char === '$' || char === '`') break;
    const next = text[at + 1] ?? '';
    if (char === '\\' && '"\\$`\n'.includes(next) && next !== '') {
      if (next !== '\n') value += next;
      at += 1;
    } else value += char;
  }
  throw unreadable(text, open);
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

function unreadable(text: string, at: number): CliError {
  const line = text.slice(0, at).split('\n').length;
  return new CliError('tool-failed', {
    message: `Line ${line} of cluster.env is no plain assignment.`,
    hint: 'Run `istio-vms workload` to have istioctl write it again.',
  });
}
