import type { Reason } from '../../../src/errors/reasons.ts';
import { cliInItsWorld } from './cli.ts';

/** What a fault does to `up`. */
export interface FaultOutcome {
  /** Why the run ends; absent when it succeeds and all checks pass. */
  readonly reason?: Reason;
  /** The minimum delay in seconds, compared with a fault-free run: of all steps, or of the whole command. */
  readonly slower?: { readonly steps?: number; readonly command?: number };
  /** The minimum delay in seconds by step, compared with a fault-free run. */
  readonly slowerSteps?: Readonly<Record<string, number>>;
  /** The minimum number of additional commands, compared with a fault-free run. */
  readonly moreCommands?: number;
  /** Why it has no measurable cost. */
  readonly costsNothing?: string;
}

/** The measurements of one run of `up`. */
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

/** The compared parts of `up --output json`. */
interface RunData {
  readonly makespanMs?: number;
  readonly steps?: readonly { readonly id: string; readonly ms: number }[];
  readonly verify?: { readonly ok: boolean; readonly checks: readonly unknown[] };
}

/** Runs `up` with this fault, or without any. */
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

/** The fault-free run, which all others are compared with. */
export function faultFreeUp(): Promise<FaultRun> {
  return (faultFree ??= upWith());
}

/** One line per difference from the outcome. It does not tell whether the fault was triggered. */
export function differences(outcome: FaultOutcome, run: FaultRun, normal: FaultRun): readonly string[] {
  const { reason, slower, slowerSteps = {}, moreCommands } = outcome;
  const mismatches: string[] = [];
  const atLeast = (what: string, least: number | undefined, more: number): void => {
    if (least !== undefined && more < least)
      mismatches.push(`${what}: ${more.toFixed(2)} more, expected at least ${least}`);
  };
  if (run.reason !== reason) mismatches.push(`reason: ${String(run.reason)}, expected ${String(reason)}`);
  if (run.checksPassed !== (reason === undefined)) mismatches.push(`all checks passed: ${String(run.checksPassed)}`);
  atLeast('seconds of all steps', slower?.steps, run.stepsSeconds - normal.stepsSeconds);
  atLeast('seconds of the command', slower?.command, run.commandSeconds - normal.commandSeconds);
  for (const [id, least] of Object.entries(slowerSteps))
    atLeast(`seconds of ${id}`, least, (run.secondsOf[id] ?? 0) - (normal.secondsOf[id] ?? 0));
  atLeast('commands', moreCommands, run.commands - normal.commands);
  return mismatches;
}

/** Lines that a fault-free run does not print, compared without numbers and returned without the time of day. */
export function linesOf(run: FaultRun, normal: FaultRun): string {
  const withoutNumbers = (line: string): string => line.replaceAll(/\d+/g, '0');
  const lines = ({ stderr }: FaultRun): string[] =>
    stderr.split('\n').map((line) => line.replace(/^\d\d:\d\d:\d\dZ {2}/, '').trimEnd());
  const usual = new Set(lines(normal).map(withoutNumbers));
  const unusual = lines(run).filter((line) => !usual.has(withoutNumbers(line)) && !line.startsWith('Rehearsed in '));
  return `${unusual.join('\n')}\n`;
}
