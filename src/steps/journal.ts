import { CliError } from '../errors/cli-error.ts';
import { knownIssue } from '../errors/known-issues.ts';
import { JOURNAL_FIELDS, lastError, parseUnitJournal } from '../guest/unit-journal.ts';
import { asRoot, type Machine } from '../machines/machine.ts';
import type { NotReady } from '../plan/wait.ts';
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
async function unitError(
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

/**
 * Probes the last error of a unit that should start: undefined when there is none. The wait fails when two probes in a
 * row find the same permanent error; the first one may be of a process that is just being replaced.
 *
 * @param before a start whose lines are old
 */
export function unitErrorProbe(
  machine: Machine,
  unit: string,
  before?: string,
): (context: Context) => Promise<NotReady | undefined> {
  let previous: string | undefined;
  return async (context) => {
    const error = await unitError(machine, unit, context, before);
    const issue = error === undefined ? undefined : knownIssue(error, 'guest');
    const permanent = issue?.permanent === true ? issue : undefined;
    const repeated = permanent !== undefined && permanent.id === previous;
    previous = permanent?.id;
    if (error === undefined) return undefined;
    if (!repeated) return { pending: error };
    const message = `${unit} cannot start on ${machine.name}: ${error}. ${permanent.sentence}`;
    return { failed: new CliError(permanent.reason, { message, hint: permanent.hint }) };
  };
}
