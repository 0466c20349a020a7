import { loadEnvironment, rehearsedApp } from '../../src/app.ts';
import type { Session } from '../../src/commands/command.ts';
import { planAndRun } from '../../src/commands/run-plan.ts';
import { reportText, runChecks } from '../../src/commands/verify.ts';
import type { GlobalOptions } from '../../src/invocation.ts';
import { labSteps } from '../../src/steps/steps.ts';
import type { ReporterEvent } from '../../src/ui/reporter.ts';
import { createStyles } from '../../src/ui/styles.ts';
import { summarize } from '../../src/ui/summary.ts';
import { EMPTY_TREE, treeLines, updateTree, type Tree, type TreeEvent } from '../../src/ui/tree-lines.ts';
import { chooseChecks } from '../../src/verify/checks.ts';
import { fixedInvocation } from './terminal.ts';

/** The size of the recorded terminal. */
export const COLUMNS = 100;
export const ROWS = 26;

/** The content of the terminal for a period of time: lines with ANSI color codes. */
export interface RecordedFrame {
  readonly lines: readonly string[];
  /** How long it is shown, in milliseconds of the recording. */
  readonly ms: number;
}

/** Simulated milliseconds between two frames, for steps and for checks, and the time for which each frame is shown. */
const STEPS_EVERY = 4_000;
const CHECKS_EVERY = 1_000;
const FRAME_MS = 250;
const TYPED_MS = 1_500;
const LAST_MS = 12_000;

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const PROMPT = '$ istio-vms up --rehearse';

/** `istio-vms up --rehearse` on a terminal, in simulated time: the tree of steps, the checks, and the result. */
export async function recordUp(): Promise<readonly RecordedFrame[]> {
  const paint = createStyles(true);
  const invocation = fixedInvocation(['up', '--rehearse']);
  const options: GlobalOptions = { output: 'text', quiet: false, verbose: false, set: {}, rehearse: true, fault: [] };
  const labOptions = { fixCa: true, fixPilot: true };
  const app = await rehearsedApp(await loadEnvironment(invocation, options), labOptions, []);

  const frames: RecordedFrame[] = [{ lines: [PROMPT], ms: TYPED_MS }];
  const above = [PROMPT];
  let tree: Tree = EMPTY_TREE;
  let spins = 0;
  let every = STEPS_EVERY;
  let next = 0;
  const draw = (now: number, live: boolean): readonly string[] => {
    const frame = { columns: COLUMNS, now, spinner: SPINNER.charAt(spins % SPINNER.length), paint };
    return treeLines(tree, live ? { ...frame, rows: ROWS } : frame);
  };
  const show = (lines: readonly string[], ms: number): void => {
    frames.push({ lines: [...above, ...lines].slice(-ROWS), ms });
    spins += 1;
  };
  /** Adds a frame for each interval since the last event, then applies the event to the tree. */
  const event = (occurred: ReporterEvent): void => {
    if (occurred.type === 'notice' || occurred.type === 'warning') return;
    if (occurred.type === 'run-started' || occurred.type === 'checks-started') next = occurred.at + every;
    for (; next <= occurred.at; next += every) show(draw(next, true), FRAME_MS);
    tree = updateTree(tree, occurred satisfies TreeEvent);
    if (tree.over) above.push(...draw(occurred.at, false));
  };

  const session = {
    app,
    reporter: { event, finish: () => Promise.resolve(), abandon: () => undefined },
    signal: new AbortController().signal,
  } as unknown as Session;
  const result = { paint, width: COLUMNS };
  const text = await app.rehearsal.drive(async () => {
    const run = await planAndRun(session, labSteps(app.lab), { kind: 'apply', targets: 'all' });
    every = CHECKS_EVERY;
    const checks = chooseChecks({ names: [], strict: false, networkPolicy: false });
    const report = await runChecks(session, checks);
    if (run.error !== undefined || report.error !== undefined) throw new Error('the recorded run failed');
    return `${reportText(report, result)}\n\n${summarize(run, result).join('\n')}`;
  });
  show(['', ...text.split('\n')], LAST_MS);
  return frames;
}
