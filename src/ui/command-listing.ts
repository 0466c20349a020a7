import { counted } from '../plan/text.ts';
import type { Command } from '../system/system.ts';
import { quoteCommand, quoteWord } from '../system/quote.ts';

/** Input longer than this, in characters, is described instead of shown, because it is impractical to paste. */
const LONGEST_INPUT = 4_000;

/**
 * Commands to paste into a shell, each with its standard input. Scripts that ship with the tool are shown by their
 * path, payloads by their size: they contain keys and tokens.
 * @param scripts text → path of a script that ships with the tool
 */
export function commandListing(commands: readonly Command[], scripts: ReadonlyMap<string, string>): string {
  return commands.map((command) => line(command, scripts)).join('\n');
}

function line({ file, args, stdin }: Command, scripts: ReadonlyMap<string, string>): string {
  const shown = args.map((arg) => {
    const path = scripts.get(arg);
    return path === undefined ? quoteWord(arg) : `"$(cat ${quoteWord(path)})"`;
  });
  const command = [quoteCommand(file, []), ...shown].join(' ');
  if (stdin === undefined) return command;
  if (typeof stdin === 'string' && stdin.length <= LONGEST_INPUT) return `${command} <<'EOF'\n${stdin.trimEnd()}\nEOF`;
  if (typeof stdin === 'object' && 'file' in stdin) return `${command} <${quoteWord(stdin.file)}`;
  const payload =
    stdin instanceof Uint8Array || typeof stdin === 'string'
      ? `${stdin.length} bytes`
      : counted(stdin.tar.length, 'file');
  return `${command}  # reads a payload of ${payload}, made for this call`;
}
