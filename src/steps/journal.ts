import { JOURNAL_FIELDS } from '../guest/unit-journal.ts';
import { asRoot } from '../machines/machine.ts';
import type { Command } from '../system/doors.ts';

/** Asks a machine for the last lines of a unit's journal. */
export function journalCommand(unit: string, lines: number): Command {
  return asRoot({
    file: 'journalctl',
    args: ['--unit', unit, '--no-pager', '--lines', String(lines)],
    effect: 'read',
    timeoutMs: 20_000,
  });
}

/** The same with the fields that tell starts and programs apart, for `parseUnitJournal`. */
export function journalEntriesCommand(unit: string, lines: number): Command {
  const command = journalCommand(unit, lines);
  return { ...command, args: [...command.args, '--output', 'json', '--output-fields', JOURNAL_FIELDS.join(',')] };
}
