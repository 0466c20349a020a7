import type { Clock } from '../system/system.ts';
import { chooseReporter, type OutputOptions } from './choose-reporter.ts';
import { createStyles, type Styles } from './styles.ts';
import { createPlainReporter } from './plain.ts';
import { createSilentReporter, type Reporter } from './reporter.ts';
import { createTreeReporter } from './tree.ts';

/** How the two streams of a run are shown. */
export interface Screen {
  readonly reporter: Reporter;
  /** Styles for stderr, which shows progress. */
  readonly paint: Styles;
  /** Columns of stderr; 0 when it is not a terminal. */
  readonly width: number;
  /** Styles and columns for stdout, which has the command's output. */
  readonly answer: { readonly paint: Styles; readonly width: number };
}

export interface ScreenInput {
  readonly options: OutputOptions;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly clock: Pick<Clock, 'now'>;
}

/** Decides once per run how everything is shown. */
export function createScreen({ options, env, stdout, stderr, clock }: ScreenInput): Screen {
  const { kind, color } = chooseReporter(options, { stderrIsTTY: stderr.isTTY, env });
  const paint = createStyles(color);
  return {
    paint,
    width: stderr.isTTY ? stderr.columns : 0,
    answer: {
      paint: createStyles(chooseReporter(options, { stderrIsTTY: stdout.isTTY, env }).color),
      width: stdout.isTTY ? stdout.columns : 0,
    },
    reporter:
      kind === 'tree'
        ? createTreeReporter({ stream: stderr, paint, clock })
        : kind === 'plain'
          ? createPlainReporter({ write: (text) => void stderr.write(text), verbose: options.verbose === true })
          : createSilentReporter(),
  };
}
