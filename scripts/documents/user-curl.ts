const LONG: Readonly<Record<string, readonly string[]>> = {
  '-s': ['--silent'],
  '-sS': ['--silent', '--show-error'],
};

/** curl's short flags as the long ones that the simulated curl knows; other programs unchanged. */
export function withLongFlags(argv: readonly string[]): readonly string[] {
  return argv[0] === 'curl' ? argv.flatMap((arg) => LONG[arg] ?? [arg]) : argv;
}
