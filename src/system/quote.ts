/** Letters that no POSIX shell gives a meaning to, wherever they stand in a word. */
const PLAIN = /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/;

/** One word, as a POSIX shell has to read it to get exactly `word`. */
export function quoteWord(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command as one pastes it into a POSIX shell. For people only: we never run what stands here. */
export function quoteCommand(file: string, args: readonly string[]): string {
  // `A=b` in front would be an assignment, not a command.
  const name = file.includes('=') ? `'${file.replaceAll("'", `'\\''`)}'` : quoteWord(file);
  return [name, ...args.map(quoteWord)].join(' ');
}
