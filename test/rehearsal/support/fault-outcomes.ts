import type { Reason } from '../../../src/errors/reasons.ts';
import { cliInItsWorld } from './cli.ts';

/** What a fault does to `up`. */
export interface FaultOutcome {
  /** Why the run ends; absent when it succeeds and all checks pass. */
  readonly reason?: Reason;
  /** At least so many seconds longer than an undisturbed run: its steps together, or the command as a whole. */
  readonly slower?: { readonly steps?: number; readonly command?: number };
  /** At least so many seconds longer than in an undisturbed run, by step. */
  readonly slowerSteps?: Readonly<Record<string, number>>;
  /** At least so many commands more than in an undisturbed run. */
  readonly moreCommands?: number;
  /** Why it costs nothing that could be measured. */
  readonly costsNothing?: string;
}

/** What a run of `up` came to. */
export interface FaultRun {
  readonly code: number;
  readonly reason: Reason | undefined;
  readonly checksPassed: boolean;
  readonly triggered: ReadonlySet<string>;
  readonly stepsSeconds: number;
  readonly commandSeconds: number;
  readonly secondsOf: Readonly<Record<string, number>>;
  readonly commands: number;
  readonly stderr: string;
}

/** What `up --output json` tells of its run, as far as it is compared. */
interface RunData {
  readonly makespanMs?: number;
  readonly steps?: readonly { readonly id: string; readonly ms: number }[];
  readonly verify?: { readonly ok: boolean; readonly checks: readonly unknown[] };
}

/** Runs `up` with this fault, or undisturbed. */
export async function upWith(fault?: string): Promise<FaultRun> {
  const { code, json, stderr, rehearsal, tookMs } = await cliInItsWorld([
    'up',
    ...(fault === undefined ? [] : ['--fault', fault]),
  ]);
  const { makespanMs = 0, steps = [], verify } = (json.data ?? {}) as RunData;
  return {
    code,
    reason: json.error?.reason,
    checksPassed: verify?.ok === true && verify.checks.length === 13,
    triggered: rehearsal.world.triggeredFaults,
    stepsSeconds: makespanMs / 1000,
    commandSeconds: tookMs / 1000,
    secondsOf: Object.fromEntries(steps.map(({ id, ms }) => [id, ms / 1000])),
    commands: rehearsal.transcript.length,
    stderr,
  };
}

let faultFree: Promise<FaultRun> | undefined;

/** The run that all others are compared with. */
export function faultFreeUp(): Promise<FaultRun> {
  return (faultFree ??= upWith());
}

/** What the run lacks of the outcome, a line each; whether the fault was triggered is another question. */
export function differences(outcome: FaultOutcome, run: FaultRun, normal: FaultRun): readonly string[] {
  const { reason, slower, slowerSteps = {}, moreCommands } = outcome;
  const wrong: string[] = [];
  const atLeast = (what: string, least: number | undefined, more: number): void => {
    if (least !== undefined && more < least) wrong.push(`${what}: ${more.toFixed(2)} more, expected at least ${least}`);
  };
  if (run.reason !== reason) wrong.push(`reason: ${String(run.reason)}, expected ${String(reason)}`);
  if (run.checksPassed !== (reason === undefined)) wrong.push(`all checks passed: ${String(run.checksPassed)}`);
  atLeast('seconds of all steps', slower?.steps, run.stepsSeconds - normal.stepsSeconds);
  atLeast('seconds of the command', slower?.command, run.commandSeconds - normal.commandSeconds);
  for (const [id, least] of Object.entries(slowerSteps))
    atLeast(`seconds of ${id}`, least, (run.secondsOf[id] ?? 0) - (normal.secondsOf[id] ?? 0));
  atLeast('commands', moreCommands, run.commands - normal.commands);
  return wrong;
}

/** Lines that an undisturbed run does not print, figures aside, without their time of day. */
export function linesOf(run: FaultRun, normal: FaultRun): string {
  const shape = (line: string): string => line.replaceAll(/\d+/g, '0');
  const lines = ({ stderr }: FaultRun): string[] =>
    stderr.split('\n').map((line) => line.replace(/^\d\d:\d\d:\d\dZ {2}/, '').trimEnd());
  const usual = new Set(lines(normal).map(shape));
  const unusual = lines(run).filter((line) => !usual.has(shape(line)) && !line.startsWith('Rehearsed in '));
  return `${unusual.join('\n')}\n`;
}
