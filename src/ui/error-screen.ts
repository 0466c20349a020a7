import type { CliError } from '../errors/cli-error.ts';
import { counted, sentence } from '../plan/text.ts';
import { hang, wrapText } from './wrap.ts';
import type { Styles } from './styles.ts';

export interface ErrorScreenOptions {
  readonly paint: Styles;
  /** Columns of the terminal. */
  readonly width: number;
  /** Path of the full log, if there is one. */
  readonly logPath?: string | undefined;
  /** Path of the run report, if there is one. */
  readonly reportPath?: string | undefined;
  /** The outcomes of the steps of the run. */
  readonly seen?: readonly { readonly outcome: string }[] | undefined;
}

/** How many lines of another program's stderr are shown; the log has all of them. */
const STDERR_LINES = 12;

/**
 * One screen for one error: what failed and why, all problems, the command to repeat by hand, its output, what to try,
 * and where to read more. Pure. Commands are never wrapped, so that they can be pasted.
 */
export function renderError(error: CliError, options: ErrorScreenOptions): string {
  const { paint, logPath, reportPath, seen } = options;
  const { hint, details = [], command, stderrTail = '' } = error.facts;
  const width = bounded(options.width);
  const stop = error.reason === 'interrupted';
  const [first = '', ...rest] = hang(stop ? '◼ ' : '✖ ', sentence(error.message), width);
  const style = stop ? paint.warning : paint.error;
  const blocks = [
    [style(first), ...rest.map(style)],
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

/**
 * What to do. A command of istio-vms at the end of a hint is put on its own line, unwrapped. For an internal error
 * there is nothing to try.
 */
function advice(error: CliError, hint: string, { paint, width }: ErrorScreenOptions): readonly string[] {
  if (error.reason === 'internal-error') return wrapText(hint, bounded(width));
  const [before = '', command] = hint.split(/(?<=:) (?=istio-vms )/);
  const lines = hang('Try: ', before, bounded(width)).map((line) => line.replace(/^Try:/, paint.bold('Try:')));
  return command === undefined ? lines : [...lines, `  ${command}`];
}

/** Limits the line length, because long lines are hard to read on a wide terminal. One column stays free. */
function bounded(width: number): number {
  return width > 0 ? Math.min(width - 1, 100) : 0;
}

/** Reports that finished steps are kept. */
function kept(seen: ErrorScreenOptions['seen'], stop: boolean): readonly string[] {
  const done = seen?.filter(({ outcome }) => outcome === 'ready' || outcome === 'changed').length ?? 0;
  if (stop || seen === undefined || done === 0) return [];
  return [
    `${done} of ${counted(seen.length, 'step')} ${done === 1 ? 'is' : 'are'} done; re-run the same command to resume.`,
  ];
}
