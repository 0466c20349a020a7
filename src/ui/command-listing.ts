import { counted } from '../plan/text.ts';
import type { Command } from '../system/system.ts';
import { quoteCommand, quoteWord } from '../system/quote.ts';

/** Text longer than this is no fun to paste; it is named instead. In characters. */
const LONGEST_INPUT = 4_000;

/**
 * Commands as one would paste them into a shell, each with what it is given to read. Scripts that ship with the tool are
 * named by their file, payloads by their size: they carry keys and tokens.
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
