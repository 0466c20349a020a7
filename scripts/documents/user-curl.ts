const LONG: Readonly<Record<string, readonly string[]>> = {
  '-s': ['--silent'],
  '-sS': ['--silent', '--show-error'],
};

/** Translates short flags of curl to the long flags that the simulated curl supports. Other commands are unchanged. */
export function withLongFlags(argv: readonly string[]): readonly string[] {
  return argv[0] === 'curl' ? argv.flatMap((arg) => LONG[arg] ?? [arg]) : argv;
}
