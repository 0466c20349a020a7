/** A parsed command line: flags with their values, and positional arguments. */
export interface Parsed {
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly words: readonly string[];
  /** Everything after `--`. */
  readonly rest: readonly string[] | undefined;
}

/** Flags that a command knows: with a value, or without (`true`). */
export type Known = Readonly<Record<string, 'value' | 'switch'>>;

/** Accepts `--flag value`, `--flag=value`, `-f value`; returns the first flag that is unknown or lacks its value. */
export function parseArgs(
  args: readonly string[],
  known: Known,
): Parsed | { readonly unknown: string; readonly why: string } {
  const flags = new Map<string, string[]>();
  const words: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string;
    if (arg === '--') return { flags, words, rest: args.slice(at + 1) };
    if (!arg.startsWith('-') || arg === '-') {
      words.push(arg);
      continue;
    }
    const equals = arg.indexOf('=');
    const name = equals < 0 ? arg : arg.slice(0, equals);
    const form = known[name];
    if (form === undefined) return { unknown: name, why: `unknown flag: ${name}` };
    const value = equals >= 0 ? arg.slice(equals + 1) : form === 'switch' ? 'true' : args[++at];
    if (value === undefined) return { unknown: name, why: `flag needs an argument: ${name}` };
    flags.set(name, [...(flags.get(name) ?? []), value]);
  }
  return { flags, words, rest: undefined };
}

/** Last value of a flag. */
export const flag = (parsed: Parsed, name: string): string | undefined => parsed.flags.get(name)?.at(-1);
