import { readParts, Unclosed, type Cursor, type Part } from '../config/shell-words.ts';
import { CliError } from '../errors/cli-error.ts';

/** An environment file as a map. If a name occurs twice, the last value counts, as in a shell. */
export type EnvFile = ReadonlyMap<string, string>;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Reads `KEY=value` lines with the quoting of a POSIX shell, as istioctl writes cluster.env. Nothing is expanded.
 * @throws CliError `tool-failed` for anything that a shell would execute, or that is not an assignment.
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
 * Writes the map so that systemd's EnvironmentFile and a POSIX shell read the same values: double quotes, with a
 * backslash before `"`, `\`, `$` and the backtick. istioctl's own format has quotes in mid-word, which only shells
 * understand.
 * @throws CliError `internal-error` for invalid names, and for bytes that an environment variable cannot hold.
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
  const cursor = { text, at: start };
  const parts = partsOf(cursor, () => unreadable(text, start));
  const end = endOfLine(text, cursor.at);
  // A shell would run a second word on the line as a command, with this assignment in its environment.
  const rest = text.slice(cursor.at, end).trim();
  if (rest !== '' && !/^\s+#/.test(text.slice(cursor.at, end))) throw unreadable(text, start);
  return { value: parts.map((part) => literalOf(part, () => unreadable(text, start))).join(''), end };
}

function partsOf(cursor: Cursor, problem: () => CliError): readonly Part[] {
  try {
    return readParts(cursor, 'bare');
  } catch (error) {
    if (error instanceof Unclosed) throw problem();
    throw error;
  }
}

/** Literal text; anything that a shell would expand or execute is refused. */
function literalOf(part: Part, problem: () => CliError): string {
  if (part.kind !== 'text') throw problem();
  return part.text;
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

function unreadable(text: string, at: number): CliError {
  const line = text.slice(0, at).split('\n').length;
  return new CliError('tool-failed', {
    message: `Line ${line} of cluster.env is not a plain assignment.`,
    hint: 'Run `istio-vms workload` to have istioctl write it again.',
  });
}
