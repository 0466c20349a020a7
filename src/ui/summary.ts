import { criticalChain, type RunReport } from '../plan/report.ts';
import { counted, duration } from '../plan/text.ts';
import { wrapText } from './wrap.ts';
import type { Styles } from './styles.ts';

export interface SummaryOptions {
  readonly paint: Styles;
  /** Columns of the terminal; 0 when there is none. */
  readonly width: number;
}

/** The summary of a finished run, in a few lines. Pure. A failed run also has an error screen. */
export function summarize(report: RunReport, { paint, width }: SummaryOptions): readonly string[] {
  const lines = report.error === undefined ? success(report) : [];
  return lines.flatMap((line, place) => wrapText(line, width - 1).map(place === 0 ? paint.bold : paint.dim));
}

function success(report: RunReport): readonly string[] {
  if (report.changed === 0) {
    return [report.kind === 'delete' ? 'Nothing to delete.' : 'Everything is up to date; nothing changed.'];
  }
  const path = criticalPathOf(report);
  return [
    `${SENTENCES[report.kind](report)} (${duration(report.makespanMs)}).`,
    // A path of one step tells nothing new.
    ...(path.length > 1 ? [`Critical path: ${path.join(' → ')}`] : []),
  ];
}

/** With --recreate a step may appear twice; deletions are marked as such. */
function criticalPathOf({ kind, steps, criticalPath }: RunReport): readonly string[] {
  if (kind !== 'recreate') return criticalPath;
  const deleted = criticalChain(steps.filter(({ direction }) => direction === 'remove')).length;
  return criticalPath.map((id, place) => (place < deleted ? `delete ${id}` : id));
}

const SENTENCES: Record<RunReport['kind'], (report: RunReport) => string> = {
  apply: ({ changed, steps }) => `${counted(changed, 'step')} applied${rest(steps.length - changed, 'unchanged')}`,
  delete: ({ changed, steps }) => `${counted(changed, 'resource')} deleted${rest(steps.length - changed, 'not found')}`,
  recreate: (report) => {
    const count = (direction: string): number =>
      report.steps.filter((step) => step.direction === direction && step.outcome === 'changed').length;
    return `${counted(count('remove'), 'resource')} deleted, ${counted(count('apply'), 'step')} applied`;
  },
};

const rest = (count: number, what: string): string => (count === 0 ? '' : `, ${count} ${what}`);
