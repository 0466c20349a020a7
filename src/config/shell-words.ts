/**
 * Words of a POSIX shell, parsed and never executed. Only the syntax that run.env needs is supported; everything else
 * is kept as source, so that it can be reported.
 */
export type Part =
  | { readonly kind: 'text'; readonly text: string }
  /** `${NAME}`, or with a fallback: `${NAME:-...}`, `${NAME-...}`. */
  | { readonly kind: 'reference'; readonly name: string; readonly fallback?: Fallback }
  /** `$(...)` or backticks: the text between. */
  | { readonly kind: 'command'; readonly source: string }
  /** Unsupported shell syntax, e.g. `${A%/*}`, `$((1+1))`, `$1`. */
  | { readonly kind: 'other'; readonly source: string };

interface Fallback {
  /** `:-` also replaces an empty value. */
  readonly operator: ':-' | '-';
  readonly parts: readonly Part[];
}

/** A position in the text. */
export interface Cursor {
  readonly text: string;
  at: number;
}

/** A quote or bracket that is not closed. */
export class Unclosed extends Error {
  readonly at: number;
  constructor(at: number) {
    super('unclosed');
    this.at = at;
  }
}

const WORD_END = /[\s;&|()<>]/;

/** Reads up to the end of a word (`bare`), the closing quote (`double`) or the closing brace (`brace`). */
export function readParts(cursor: Cursor, mode: 'bare' | 'double' | 'brace'): readonly Part[] {
  const { text } = cursor;
  const start = cursor.at;
  const parts: Part[] = [];
  const push = (more: string) => {
    const last = parts.at(-1);
    if (last?.kind === 'text') parts[parts.length - 1] = { kind: 'text', text: last.text + more };
    else parts.push({ kind: 'text', text: more });
  };
  if (mode === 'bare' && /^~(?=[/\s;]|$)/.test(text.slice(start, start + 2))) {
    parts.push({ kind: 'reference', name: 'HOME' });
    cursor.at += 1;
  }
  while (cursor.at < text.length) {
    const letter = text.charAt(cursor.at);
    if (mode === 'bare' ? WORD_END.test(letter) : letter === (mode === 'double' ? '"' : '}')) return parts;
    cursor.at += 1;
    if (letter === '\\') push(readEscape(cursor, mode));
    else if (letter === '$') {
      const part = readDollar(cursor);
      if (part.kind === 'text') push(part.text);
      else parts.push(part);
    } else if (letter === '`') parts.push({ kind: 'command', source: readUntil(cursor, '`') });
    else if (letter === "'" && mode !== 'double') push(readUntil(cursor, "'"));
    else if (letter === '"') {
      push('');
      parts.push(...readParts(cursor, 'double'));
      cursor.at += 1;
    } else push(letter);
  }
  if (mode !== 'bare') throw new Unclosed(start);
  return parts;
}

function readEscape(cursor: Cursor, mode: 'bare' | 'double' | 'brace'): string {
  const letter = cursor.text.charAt(cursor.at);
  cursor.at += 1;
  if (letter === '\n') return '';
  return mode === 'double' && !'$`"\\'.includes(letter) ? `\\${letter}` : letter;
}

/** Parses what follows a dollar sign; the cursor is after the sign. */
function readDollar(cursor: Cursor): Part {
  const { text } = cursor;
  const start = cursor.at;
  const letter = text.charAt(start);
  const name = /^[A-Za-z_]\w*/.exec(text.slice(start, start + 100))?.[0];
  if (name !== undefined) {
    cursor.at += name.length;
    return { kind: 'reference', name };
  }
  if (letter === '(') {
    const arithmetic = text.charAt(start + 1) === '(';
    skipNested(cursor, '(', ')');
    const source = text.slice(start + 1, cursor.at - 1);
    return arithmetic ? { kind: 'other', source: `$(${source})` } : { kind: 'command', source };
  }
  if (letter === '{') return readBrace(cursor);
  if (/[\d@*#?$!'-]/.test(letter)) {
    cursor.at += 1;
    if (letter === "'") readUntil(cursor, "'");
    return { kind: 'other', source: `$${text.slice(start, cursor.at)}` };
  }
  return { kind: 'text', text: '$' };
}

function readBrace(cursor: Cursor): Part {
  const start = cursor.at;
  const [opening, name, operator] =
    /^\{([A-Za-z_]\w*)(:-|-|\})/.exec(cursor.text.slice(start, start + 200)) ?? ([] as string[]);
  if (opening === undefined || name === undefined) {
    skipNested(cursor, '{', '}');
    return { kind: 'other', source: `$${cursor.text.slice(start, cursor.at)}` };
  }
  cursor.at += opening.length;
  if (operator !== ':-' && operator !== '-') return { kind: 'reference', name };
  const parts = readParts(cursor, 'brace');
  cursor.at += 1;
  return { kind: 'reference', name, fallback: { operator, parts } };
}

/** Reads from after an opening quote to after the closing one; returns the text between. */
function readUntil(cursor: Cursor, quote: string): string {
  const end = cursor.text.indexOf(quote, cursor.at);
  if (end < 0) throw new Unclosed(cursor.at);
  const between = cursor.text.slice(cursor.at, end);
  cursor.at = end + 1;
  return between;
}

/** Skips from an opening bracket to after its closing one, including quotes and brackets inside. */
export function skipNested(cursor: Cursor, open: string, close: string): void {
  const start = cursor.at;
  let depth = 0;
  while (cursor.at < cursor.text.length) {
    const letter = cursor.text.charAt(cursor.at);
    cursor.at += 1;
    if (letter === '\\') cursor.at += 1;
    else if (letter === "'" || letter === '`') readUntil(cursor, letter);
    else if (letter === '"') {
      readParts(cursor, 'double');
      cursor.at += 1;
    } else if (letter === open) depth += 1;
    else if (letter === close && --depth === 0) return;
  }
  throw new Unclosed(start);
}
