import type { Session } from '../../../src/commands/command.ts';
import { reportText, runChecks, type VerifyReport } from '../../../src/commands/verify.ts';
import { createStyles } from '../../../src/ui/styles.ts';
import { chooseChecks } from '../../../src/verify/checks.ts';
import type { RunOptions, Simulated } from './simulated.ts';

/** Within so many milliseconds `verify` answers on a broken lab. */
export const BAR_MS = 20_000;

/** What `verify` shows a person. */
export interface Screen {
  readonly report: VerifyReport;
  readonly text: string;
  /** Virtual time that it took. */
  readonly ms: number;
}

/** Runs `verify` as the command does; `over` are other values of the configuration. */
export async function verifyScreen(
  made: Simulated,
  names: readonly string[] = [],
  strict = false,
  over?: RunOptions,
): Promise<Screen> {
  const lab = made.lab(over);
  const work = {
    app: { lab },
    signal: new AbortController().signal,
    reporter: { event: () => undefined, finish: async () => undefined, abandon: () => undefined },
  } as unknown as Session;
  const from = made.world.clock.now();
  const report = await made.drive(() => runChecks(work, chooseChecks({ names, strict, networkPolicy: false })));
  const text = reportText(report, { paint: createStyles(false), width: 120 });
  return { report, text, ms: made.world.clock.now() - from };
}
