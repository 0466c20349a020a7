/** Text fitted to a width, in characters. A width of 0 or less means that there is none. */

/** Breaks lines between words, and a word only where it is longer than a line. */
export function wrapText(text: string, width: number): readonly string[] {
  return text.split('\n').flatMap((line) => (width <= 0 ? [line] : wrapLine(line, width)));
}

function wrapLine(line: string, width: number): readonly string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ').flatMap((long) => pieces(long, width))) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (lengthOf(longer) <= width) {
      current = longer;
      continue;
    }
    lines.push(current);
    current = word;
  }
  return [...lines, current];
}

/** Cuts to the width, with an ellipsis where something is missing. */
export function cutText(text: string, width: number): string {
  const letters = Array.from(text);
  if (letters.length <= width) return text;
  return width <= 0
    ? ''
    : `${letters
        .slice(0, width - 1)
        .join('')
        .trimEnd()}…`;
}

/** Wrapped, with a first prefix and an equally long indent below it. */
export function hang(prefix: string, text: string, width: number): readonly string[] {
  const indent = ' '.repeat(lengthOf(prefix));
  const room = width <= 0 ? 0 : Math.max(10, width - indent.length);
  return wrapText(text, room).map((line, index) => `${index === 0 ? prefix : indent}${line}`.trimEnd());
}

function pieces(word: string, width: number): readonly string[] {
  const letters = Array.from(word);
  if (letters.length <= width) return [word];
  const count = Math.ceil(letters.length / width);
  return Array.from({ length: count }, (_, place) => letters.slice(place * width, (place + 1) * width).join(''));
}

export function lengthOf(text: string): number {
  return Array.from(text).length;
}
