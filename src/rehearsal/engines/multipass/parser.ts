import type { ProgramResult } from '../../world.ts';

/** Options of one command: long name → whether it takes a value; `short` maps one-letter names. */
export interface CommandShape {
  readonly options: Readonly<Record<string, 'value' | 'switch'>>;
  readonly short?: Readonly<Record<string, string>>;
}

export interface ParsedArgs {
  readonly positionals: readonly string[];
  readonly options: ReadonlyMap<string, string>;
  /** What stands after `--`; undefined without one. */
  readonly rest: readonly string[] | undefined;
}

/**
 * Reads arguments as Multipass' own parser does (docs/facts/multipass.md 1.1), or tells what it says to an unknown one.
 */
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

/** A failure of the client itself: a bad command line. */
export function usage(text: string, refused?: string): ProgramResult {
  return { exitCode: 1, stderr: `${text}\n`, ...(refused === undefined ? {} : { refused }) };
}

/** A failure that the daemon reports. */
export function failure(command: string, ...lines: readonly string[]): ProgramResult {
  return { exitCode: 2, stderr: `${command} failed: ${lines.join('\n')}\n` };
}

/** The daemon's way to report on a selection of instances: nothing was done for any of them. */
export function failures(command: string, items: readonly string[]): ProgramResult {
  return failure(command, 'The following errors occurred:', ...items);
}

/** What the spinner leaves on stdout, also when that is no terminal (docs/facts/multipass.md 4). */
export function spinner(text: string): string {
  return `\x1b[2K\x1b[0A\x1b[0E${text}  |\b/\b-\b\\\b\x1b[2K\x1b[0A\x1b[0E`;
}
