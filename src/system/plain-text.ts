import { stripVTControlCharacters } from 'node:util';

/** Line ends that a terminal overwrites: the text before them is not part of the result. */
const CLEAR_LINE = /^.*\u001b\[[0-2]?K(?:\u001b\[0?[AE])*/gm;

/** Characters that only a terminal interprets. A fast test, because most text has none and may be long. */
const CONTROLS = /[\u001b\u009b\b\r]/;

/** Whitespace at the end of a line. */
const RAGGED = /[^\S\n]$/m;

/** Text as a terminal would finally show it: without colors, spinners or overwritten text. */
export function plainText(text: string): string {
  if (!CONTROLS.test(text)) {
    if (!RAGGED.test(text)) return text;
    return text
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n');
  }
  const cleared = stripVTControlCharacters(text.replace(CLEAR_LINE, ''));
  return cleared
    .split(/\r?\n/)
    .map((line) => backspaced(line.slice(line.lastIndexOf('\r') + 1)).trimEnd())
    .join('\n');
}

function backspaced(line: string): string {
  if (!line.includes('\b')) return line;
  let shown = '';
  for (const letter of line) shown = letter === '\b' ? shown.slice(0, -1) : shown + letter;
  return shown;
}

/** The last lines that are not blank. */
export function tail(text: string, lines: number): string {
  return plainText(text)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-lines)
    .join('\n');
}
