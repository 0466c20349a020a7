import { Chalk } from 'chalk';

export type Style = (text: string) => string;

/** The few meanings that color has here; whether there is any is decided once. */
export interface Styles {
  readonly success: Style;
  readonly error: Style;
  readonly warning: Style;
  readonly accent: Style;
  readonly bold: Style;
  readonly dim: Style;
}

/** Sixteen colors are enough, and follow the person's own theme. */
export function createStyles(color: boolean): Styles {
  const chalk = new Chalk({ level: color ? 1 : 0 });
  // A brush takes one text alone: it stands in `map`, and chalk would paint the index as well.
  const brush =
    (painter: (text: string) => string): Style =>
    (text) =>
      painter(text);
  return {
    success: brush(chalk.green),
    error: brush(chalk.red),
    warning: brush(chalk.yellow),
    accent: brush(chalk.cyan),
    bold: brush(chalk.bold),
    dim: brush(chalk.dim),
  };
}
