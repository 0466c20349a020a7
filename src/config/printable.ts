const LONGEST = 80;
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\0': '\\0' };

/** A value for an error screen: on one line, control characters escaped, long values truncated. */
export function printable(value: string): string {
  const letters = Array.from(value);
  const shown = letters
    .slice(0, LONGEST)
    .join('')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, spell);
  return letters.length > LONGEST ? `${shown}... (${letters.length} characters)` : shown;
}

function spell(letter: string): string {
  return NAMED[letter] ?? `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`;
}
