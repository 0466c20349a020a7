/** Characters without a special meaning in any POSIX shell, at any position of a word. */
const PLAIN = /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/;

/** Quotes one word, so that a POSIX shell reads exactly `word`. */
export function quoteWord(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command to paste into a POSIX shell. Only for display; istio-vms never runs it. */
export function quoteCommand(file: string, args: readonly string[]): string {
  // A first word `A=b` would be an assignment, not a command.
  const name = file.includes('=') ? `'${file.replaceAll("'", `'\\''`)}'` : quoteWord(file);
  return [name, ...args.map(quoteWord)].join(' ');
}
