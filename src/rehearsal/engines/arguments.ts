/** Options of one command: long name → whether it takes a value; `short` maps one-letter names. */
export interface CommandShape {
  readonly options: Readonly<Record<string, 'value' | 'switch'>>;
  readonly short?: Readonly<Record<string, string>>;
}

export interface ParsedArgs {
  readonly positionals: readonly string[];
  readonly options: ReadonlyMap<string, string>;
  /** Arguments after `--`; undefined without one. */
  readonly rest: readonly string[] | undefined;
}

/** Parses arguments as the clients' own parsers do (docs/facts/multipass.md 1.1), or returns the unknown option. */
export function parseArgs(args: readonly string[], shape: CommandShape): ParsedArgs | { readonly unknown: string } {
  const positionals: string[] = [];
  const options = new Map<string, string>();
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--') return { positionals, options, rest: args.slice(at + 1) };
    if (!arg.startsWith('-') || arg === '-') {
      positionals.push(arg);
      continue;
    }
    const option = splitOption(arg, shape);
    const kind = option === undefined ? undefined : shape.options[option.name];
    if (option === undefined || kind === undefined) return { unknown: arg.replace(/^-+/, '').split('=')[0] ?? arg };
    if (kind === 'switch') options.set(option.name, 'yes');
    else options.set(option.name, option.value ?? args[++at] ?? '');
  }
  return { positionals, options, rest: undefined };
}

function splitOption(arg: string, { short = {} }: CommandShape): { name: string; value?: string } | undefined {
  if (arg.startsWith('--')) {
    const equals = arg.indexOf('=');
    return equals < 0 ? { name: arg.slice(2) } : { name: arg.slice(2, equals), value: arg.slice(equals + 1) };
  }
  const name = short[arg[1] ?? ''];
  if (name === undefined) return undefined;
  return arg.length > 2 ? { name, value: arg.slice(2) } : { name };
}
