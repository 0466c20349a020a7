import { Chalk } from 'chalk';

export type Style = (text: string) => string;

/** The meanings that color has; whether color is used at all is decided once. */
export interface Styles {
  readonly success: Style;
  readonly error: Style;
  readonly warning: Style;
  readonly accent: Style;
  readonly bold: Style;
  readonly dim: Style;
}

/** Only the sixteen basic colors, which follow the theme of the user's terminal. */
export function createStyles(color: boolean): Styles {
  const chalk = new Chalk({ level: color ? 1 : 0 });
  // A style takes only one argument: in `map`, chalk would also print the index.
  const style =
    (painter: (text: string) => string): Style =>
    (text) =>
      painter(text);
  return {
    success: style(chalk.green),
    error: style(chalk.red),
    warning: style(chalk.yellow),
    accent: style(chalk.cyan),
    bold: style(chalk.bold),
    dim: style(chalk.dim),
  };
}
