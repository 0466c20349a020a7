import { readParts, skipNested, Unclosed, type Cursor, type Part } from './shell-words.ts';

/** `NAME=value` at the top level of a shell file, with or without `export`. */
export interface Assignment {
  readonly name: string;
  readonly parts: readonly Part[];
  readonly line: number;
  /** The value as it was written. */
  readonly source: string;
}

export interface ShellFile {
  readonly assignments: readonly Assignment[];
  /** Lines that are not plain assignments, ascending. */
  readonly otherLines: readonly number[];
  /** Names that those lines would set if they were executed. */
  readonly otherNames: readonly string[];
  /** Line of an unclosed quote or bracket; nothing after it was read. */
  readonly unclosedLine?: number;
}

/** A word, and its assignment if it is one. */
interface Word {
  readonly source: string;
  readonly assignment?: Assignment;
}

const OPENING = new Set(['if', 'while', 'until', 'for', 'select', 'case', '{']);
const CLOSING = new Set(['fi', 'done', 'esac', '}']);
/** Words after which a new command starts. */
const LEADING = new Set(['if', 'while', 'until', '{', 'then', 'else', 'elif', 'do', '!', 'time']);

/** Reads a shell file as data: its plain assignments, and the lines that do anything else. Never throws. */
export function readShellFile(source: string): ShellFile {
  const cursor: Cursor = { text: source.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n'), at: 0 };
  const { text } = cursor;
  const lineAt = (at: number) => text.slice(0, at).split('\n').length;
  const assignments: Assignment[] = [];
  const otherLines = new Set<number>();
  const otherNames = new Set<string>();
  const blocks: string[] = [];
  const heredocs: string[] = [];
  let words: Word[] = [];
  let lines = new Set<number>();
  let plain = true;

  /** Ends a statement: keeps its assignments when it contains nothing else. */
  const endStatement = () => {
    const names = words[0]?.source === 'export' ? words.slice(1) : words;
    const bare = (word: Word) => names !== words && /^\w+$/.test(word.source);
    if (plain && blocks.length === 0 && names.every((word) => word.assignment !== undefined || bare(word))) {
      assignments.push(...names.flatMap((word) => word.assignment ?? []));
    } else {
      for (const line of lines) otherLines.add(line);
      for (const word of words) if (word.assignment !== undefined) otherNames.add(word.assignment.name);
    }
    words = [];
    lines = new Set();
    plain = true;
  };

  const addWord = (word: Word) => {
    const first = words.every((earlier) => LEADING.has(earlier.source));
    words.push(word);
    if (!first && !(word.source === '{' && words[0]?.source === 'function')) return;
    if (OPENING.has(word.source)) blocks.push(word.source);
    if (CLOSING.has(word.source)) blocks.pop();
    if (OPENING.has(word.source) || CLOSING.has(word.source) || LEADING.has(word.source)) plain = false;
  };

  /** `a && b`, `a | b`: the next word starts a new command, and the statement is not plain. */
  const endCommand = () => {
    for (const word of words) if (word.assignment !== undefined) otherNames.add(word.assignment.name);
    words = [];
    plain = false;
  };

  const readOperator = (letter: string) => {
    lines.add(lineAt(cursor.at));
    cursor.at += 1;
    if (letter === '(') blocks.push('(');
    if (letter === ')' && blocks.at(-1) === '(') blocks.pop();
    if (letter !== '<' && letter !== '>') {
      endCommand();
      return;
    }
    plain = false;
    const heredoc = /^<(?!<)-?[ \t]*(['"\\]?)(\w+)\1/.exec(text.slice(cursor.at));
    if (letter === '<' && heredoc !== null) {
      heredocs.push(heredoc[2] ?? '');
      cursor.at += heredoc[0].length;
    }
  };

  try {
    while (cursor.at < text.length) {
      const letter = text.charAt(cursor.at);
      if (letter === '\n') {
        cursor.at += 1;
        endStatement();
        for (const end of heredocs.splice(0)) skipHeredoc(cursor, end, (at) => otherLines.add(lineAt(at)));
      } else if (letter === ';') {
        cursor.at += 1;
        endStatement();
      } else if (letter === '\\' && text.charAt(cursor.at + 1) === '\n') cursor.at += 2;
      else if (/\s/.test(letter)) cursor.at += 1;
      else if (letter === '#') cursor.at = lineEnd(text, cursor.at);
      else if (/[&|()<>]/.test(letter)) readOperator(letter);
      else {
        const line = lineAt(cursor.at);
        addWord(readWord(cursor, line));
        for (let each = line; each <= lineAt(cursor.at - 1); each += 1) lines.add(each);
      }
    }
    endStatement();
  } catch (error) {
    if (!(error instanceof Unclosed)) throw error;
    return { ...result(), unclosedLine: lineAt(error.at) };
  }
  return result();

  function result(): ShellFile {
    return { assignments, otherLines: [...otherLines].sort((a, b) => a - b), otherNames: [...otherNames] };
  }
}

function readWord(cursor: Cursor, line: number): Word {
  const start = cursor.at;
  const name = /^([A-Za-z_]\w*)=/.exec(cursor.text.slice(start, start + 200))?.[1];
  if (name === undefined) {
    readParts(cursor, 'bare');
    return { source: cursor.text.slice(start, cursor.at) };
  }
  cursor.at += name.length + 1;
  const valueStart = cursor.at;
  const parts = cursor.text.charAt(valueStart) === '(' ? readArray(cursor) : readParts(cursor, 'bare');
  const source = cursor.text.slice(valueStart, cursor.at);
  return { source: cursor.text.slice(start, cursor.at), assignment: { name, parts, line, source } };
}

function readArray(cursor: Cursor): readonly Part[] {
  const start = cursor.at;
  skipNested(cursor, '(', ')');
  return [{ kind: 'other', source: cursor.text.slice(start, cursor.at) }];
}

function skipHeredoc(cursor: Cursor, end: string, pass: (at: number) => void): void {
  while (cursor.at < cursor.text.length) {
    const stop = lineEnd(cursor.text, cursor.at);
    const line = cursor.text.slice(cursor.at, stop);
    pass(cursor.at);
    cursor.at = stop + 1;
    if (line.replace(/^\t+/, '') === end) return;
  }
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}
