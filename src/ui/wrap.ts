import cliTruncate from 'cli-truncate';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/** Text fitted to a width, in columns of a terminal. A width of 0 or less means that there is none. */

/** Breaks lines between words, and a word only where it is longer than a line. A line that fits stays as it is. */
export function wrapText(text: string, width: number): readonly string[] {
  const lines = text.split('\n');
  // wrap-ansi trims the indent of a line, and counts two columns for ✔.
  return lines.flatMap((line) =>
    width <= 0 || lengthOf(line) <= width ? line : wrapAnsi(line, width, { hard: true }).split('\n'),
  );
}

/** Cuts to the width, with an ellipsis where something is missing. */
export function cutText(text: string, width: number): string {
  return width <= 0 ? '' : cliTruncate(text, width, { truncationCharacter: '…' }).replace(/ +…$/, '…');
}

/** Wrapped, with a first prefix and an equally long indent below it. */
export function hang(prefix: string, text: string, width: number): readonly string[] {
  const indent = ' '.repeat(lengthOf(prefix));
  const room = width <= 0 ? 0 : Math.max(10, width - indent.length);
  return wrapText(text, room).map((line, index) => `${index === 0 ? prefix : indent}${line}`.trimEnd());
}

/** Columns that the text takes. */
export function lengthOf(text: string): number {
  return stringWidth(text);
}
