import cliTruncate from 'cli-truncate';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/** Fits text to a width in terminal columns. A width of 0 or less means no limit. */

/** Wraps text between words, and within a word only when it is longer than a line. A line that fits is unchanged. */
export function wrapText(text: string, width: number): readonly string[] {
  const lines = text.split('\n');
  // wrap-ansi trims the indent of a line, and counts two columns for ✔.
  return lines.flatMap((line) =>
    width <= 0 || lengthOf(line) <= width ? line : wrapAnsi(line, width, { hard: true }).split('\n'),
  );
}

/** Truncates to the width, with an ellipsis. */
export function cutText(text: string, width: number): string {
  return width <= 0 ? '' : cliTruncate(text, width, { truncationCharacter: '…' }).replace(/ +…$/, '…');
}

/** Wraps text after a prefix, and indents the following lines by the width of the prefix. */
export function hang(prefix: string, text: string, width: number): readonly string[] {
  const indent = ' '.repeat(lengthOf(prefix));
  const room = width <= 0 ? 0 : Math.max(10, width - indent.length);
  return wrapText(text, room).map((line, index) => `${index === 0 ? prefix : indent}${line}`.trimEnd());
}

/** Width of the text in columns. */
export function lengthOf(text: string): number {
  return stringWidth(text);
}
