import { CliError } from '../errors/cli-error.ts';
import { JOURNAL_FIELDS, lastError, parseUnitJournal } from '../guest/unit-journal.ts';
import { asRoot, type Machine } from '../machines/machine.ts';
import { CommandError } from '../system/command-error.ts';
import type { Command, Context } from '../system/system.ts';

/** Reads the last lines of a unit's journal on a machine. */
export function journalCommand(unit: string, lines: number): Command {
  return asRoot({
    file: 'journalctl',
    args: ['--unit', unit, '--no-pager', '--lines', String(lines)],
    effect: 'read',
    timeoutMs: 20_000,
  });
}

/** The same with the fields that identify starts and programs, for `parseUnitJournal`. */
function journalEntriesCommand(unit: string, lines: number): Command {
  const command = journalCommand(unit, lines);
  return { ...command, args: [...command.args, '--output', 'json', '--output-fields', JOURNAL_FIELDS.join(',')] };
}

/**
 * The last error that a unit's own programs wrote in its newest start; undefined when there is none, or the journal
 * cannot be read.
 *
 * @param before a start whose lines are old
 */
export async function unitError(
  machine: Machine,
  unit: string,
  context: Context,
  before?: string,
): Promise<string | undefined> {
  try {
    const { stdout } = await machine.run(journalEntriesCommand(unit, 200), context);
    return lastError(parseUnitJournal(stdout), before);
  } catch (error) {
    if (error instanceof CommandError || error instanceof CliError) return undefined;
    throw error;
  }
}
