import type { CliError } from '../errors/cli-error.ts';
import { counted, sentence } from '../plan/text.ts';
import { hang, wrapText } from './wrap.ts';
import type { Styles } from './styles.ts';

export interface ErrorScreenOptions {
  readonly paint: Styles;
  /** Columns of the terminal. */
  readonly width: number;
  /** The full log, if one was begun. */
  readonly logPath?: string | undefined;
  /** The picture of the run, if one was drawn. */
  readonly reportPath?: string | undefined;
  /** How the steps of the run came out. */
  readonly seen?: readonly { readonly outcome: string }[] | undefined;
}

/** Lines of another program's stderr that are shown; the log has all. */
const STDERR_LINES = 12;

/**
 * One screen for one error: what failed and why, all problems, the command to repeat by hand, what it said, what to try,
 * where to read more. Pure. Commands are never broken, so that they can be pasted.
 */
export function renderError(error: CliError, options: ErrorScreenOptions): string {
  const { paint, logPath, reportPath, seen } = options;
  const { hint, details = [], command, stderrTail = '' } = error.facts;
  const width = bounded(options.width);
  const stop = error.reason === 'interrupted';
  const [first = '', ...rest] = hang(stop ? '◼ ' : '✖ ', sentence(error.message), width);
  const brush = stop ? paint.warning : paint.error;
  const blocks = [
    [brush(first), ...rest.map(brush)],
    details.flatMap((detail) => hang('  • ', detail, width)),
    command === undefined ? [] : [paint.dim('  Command:'), `    ${command}`],
    said(stderrTail, paint),
    kept(seen, stop).flatMap((line) => wrapText(line, width)),
    hint === undefined ? [] : advice(error, hint, options),
    [
      ...(logPath === undefined ? [] : [paint.dim(`Log: ${logPath}`)]),
      ...(reportPath === undefined ? [] : [paint.dim(`Report: ${reportPath}`)]),
      paint.dim(`Reason: ${error.reason} (exit code ${error.exitCode})`),
    ],
  ];
  const filled = blocks.filter((block) => block.length > 0).map((block) => block.join('\n'));
  return `${filled.join('\n\n')}\n`;
}

function said(stderrTail: string, paint: Styles): readonly string[] {
  if (stderrTail.trim() === '') return [];
  const lines = stderrTail.trimEnd().split('\n');
  const shown = lines.slice(-STDERR_LINES);
  const more = lines.length - shown.length;
  return [
    paint.dim(more > 0 ? `  stderr, last lines (${more} lines more in the log):` : '  stderr:'),
    ...shown.map((line) => `    ${line}`),
  ];
}

/** What to do. A hint that ends in a command of ours has it on a line of its own, whole. Our own bugs are nothing to try. */
function advice(error: CliError, hint: string, { paint, width }: ErrorScreenOptions): readonly string[] {
  if (error.reason === 'internal-error') return wrapText(hint, bounded(width));
  const [before = '', command] = hint.split(/(?<=:) (?=istio-vms )/);
  const lines = hang('Try: ', before, bounded(width)).map((line) => line.replace(/^Try:/, paint.bold('Try:')));
  return command === undefined ? lines : [...lines, `  ${command}`];
}

/** Long lines are hard to read, however wide the terminal is. One column stays free. */
function bounded(width: number): number {
  return width > 0 ? Math.min(width - 1, 100) : 0;
}

/** Says that finished steps are kept. */
function kept(seen: ErrorScreenOptions['seen'], stop: boolean): readonly string[] {
  const done = seen?.filter(({ outcome }) => outcome === 'ready' || outcome === 'changed').length ?? 0;
  if (stop || seen === undefined || done === 0) return [];
  return [
    `${done} of ${counted(seen.length, 'step')} ${done === 1 ? 'is' : 'are'} done; re-run the same command to resume.`,
  ];
}
