import type { RunReport } from '../plan/report.ts';
import { counted, duration } from '../plan/words.ts';
import { wrapText } from './fold.ts';
import type { Paint } from './paint.ts';

export interface SummaryOptions {
  readonly paint: Paint;
  /** Columns of the terminal; 0 when there is none. */
  readonly width: number;
}

/** What a finished run comes to, in a few lines. Pure. A run that failed has its error screen besides. */
export function summarize(report: RunReport, { paint, width }: SummaryOptions): readonly string[] {
  const lines = report.error === undefined ? success(report) : [];
  return lines.flatMap((line, place) => wrapText(line, width - 1).map(place === 0 ? paint.bold : paint.dim));
}

function success(report: RunReport): readonly string[] {
  const total = report.steps.length;
  if (report.changed === 0) {
    return [
      report.kind === 'delete' ? 'There was nothing to remove.' : 'Everything was already there; nothing changed.',
    ];
  }
  const made = report.kind === 'delete' ? 'Removed' : 'Changed';
  const things = report.kind === 'delete' ? 'thing' : 'step';
  return [
    `${made} ${report.changed} of ${counted(total, things)} in ${duration(report.makespanMs)}.`,
    `Critical path (${duration(report.criticalPathMs)}): ${report.criticalPath.join(' → ')}`,
  ];
}
