import type { CliError } from '../../errors/cli-error.ts';
import type { RunReport, StepReport } from '../../plan/report.ts';
import type { CommandRecord, Message } from './record.ts';

/** Everything that the run report shows, as plain data, so that it can be masked as a whole. */
export interface ReportData {
  /** The version of the tool. */
  readonly version: string;
  /** The command line, pasteable. */
  readonly commandLine: string;
  readonly kind: RunReport['kind'];
  /** Milliseconds since 1970: start and end of the command. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** The run was a rehearsal; its times are simulated too. */
  readonly rehearsal: boolean;
  /** The main settings: name and value. */
  readonly facts: readonly (readonly [string, string])[];
  readonly warnings: readonly string[];
  /** Absent when no run was started. */
  readonly run?: ReportedRun;
  /** In the order in which they ran, including those before an interrupt. */
  readonly checks: readonly ReportedCheck[];
  readonly commands: readonly CommandRecord[];
  readonly messages: readonly Message[];
  readonly failure?: Failure;
}

export interface ReportedRun extends Omit<RunReport, 'steps' | 'error'> {
  readonly steps: readonly ReportedStep[];
}

export interface ReportedStep extends Omit<StepReport, 'error'> {
  readonly failure?: Failure;
}

/** One row of the output of `verify`. */
export interface ReportedCheck {
  readonly name: string;
  readonly title: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly evidence: string;
  readonly hint?: string;
  readonly durationMs: number;
}

/** The fields of an error screen. */
export interface Failure {
  readonly reason: string;
  readonly exitCode: number;
  readonly message: string;
  readonly details: readonly string[];
  readonly command?: string;
  readonly stderrTail?: string;
  readonly hint?: string;
}

export function failureOf({ reason, exitCode, facts }: CliError): Failure {
  const { message, details = [], command, stderrTail, hint } = facts;
  return {
    reason,
    exitCode,
    message,
    details,
    ...(command === undefined ? {} : { command }),
    ...(stderrTail === undefined ? {} : { stderrTail }),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** Converts a run to plain data, without error objects. */
export function reportedRun({ steps, kind, startedAt, endedAt, makespanMs, ...rest }: RunReport): ReportedRun {
  const { criticalPath, criticalPathMs, changed } = rest;
  const plain = steps.map(({ error, ...step }) =>
    error === undefined ? step : { ...step, failure: failureOf(error) },
  );
  return { kind, steps: plain, startedAt, endedAt, makespanMs, criticalPath, criticalPathMs, changed };
}

/** The owner of the commands and messages of a step; `checkOwner` for a check. */
export const ownerOf = ({ direction, id }: Pick<StepReport, 'direction' | 'id'>): string => `${direction}/${id}`;
export const checkOwner = (name: string): string => `prove/${name}`;

/** The same data with `change` applied to every text: for masking. */
export function mapTexts<T>(value: T, change: (text: string) => string): T {
  const walk = (part: unknown): unknown => {
    if (typeof part === 'string') return change(part);
    if (Array.isArray(part)) return part.map(walk);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, walk(inner)]));
  };
  return walk(value) as T;
}
