import type { Session } from '../../../src/commands/command.ts';
import { reportText, runChecks, type VerifyReport } from '../../../src/commands/verify.ts';
import { createStyles } from '../../../src/ui/styles.ts';
import { chooseChecks } from '../../../src/verify/checks.ts';
import type { RunOptions, Simulated } from './simulated.ts';

/** The time limit of `verify` on a broken lab, in milliseconds. */
export const VERIFY_LIMIT_MS = 20_000;

/** The result and the output of `verify`. */
export interface Screen {
  readonly report: VerifyReport;
  readonly text: string;
  /** Duration in simulated time. */
  readonly ms: number;
}

/** Runs `verify` as the command does. @param overrides other values of the configuration */
export async function verifyScreen(
  simulated: Simulated,
  names: readonly string[] = [],
  strict = false,
  overrides?: RunOptions,
): Promise<Screen> {
  const lab = simulated.lab(overrides);
  const session = {
    app: { lab },
    signal: new AbortController().signal,
    reporter: { event: () => undefined, finish: async () => undefined, abandon: () => undefined },
  } as unknown as Session;
  const from = simulated.world.clock.now();
  const report = await simulated.drive(() => runChecks(session, chooseChecks({ names, strict, networkPolicy: false })));
  const text = reportText(report, { paint: createStyles(false), width: 120 });
  return { report, text, ms: simulated.world.clock.now() - from };
}
