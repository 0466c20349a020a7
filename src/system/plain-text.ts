import { stripVTControlCharacters } from 'node:util';

/** Ends of lines that a terminal would overwrite: what stood there is not part of the text. */
const CLEAR_LINE = /^.*\u001b\[[0-2]?K(?:\u001b\[0?[AE])*/gm;

/** What only a terminal does something with. Most text has none of it, and much of it is long. */
const CONTROLS = /[\u001b\u009b\b\r]/;

/** Blanks at the end of a line. */
const RAGGED = /[^\S\n]$/m;

/** Text as it is left on a terminal: without colors, without spinners, without what was overwritten. */
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

/** The last lines that say something. */
export function tail(text: string, lines: number): string {
  return plainText(text)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-lines)
    .join('\n');
}
