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
