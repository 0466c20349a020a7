import { Chalk } from 'chalk';

export type Brush = (text: string) => string;

/** The few meanings that colour has here; whether there is any is decided once. */
export interface Paint {
  readonly good: Brush;
  readonly bad: Brush;
  readonly warn: Brush;
  readonly accent: Brush;
  readonly bold: Brush;
  readonly dim: Brush;
}

/** Sixteen colours are enough, and follow the person's own theme. */
export function createPaint(colour: boolean): Paint {
  const chalk = new Chalk({ level: colour ? 1 : 0 });
  // A brush takes one text alone: it stands in `map`, and chalk would paint the index as well.
  const brush =
    (painter: (text: string) => string): Brush =>
    (text) =>
      painter(text);
  return {
    good: brush(chalk.green),
    bad: brush(chalk.red),
    warn: brush(chalk.yellow),
    accent: brush(chalk.cyan),
    bold: brush(chalk.bold),
    dim: brush(chalk.dim),
  };
}
