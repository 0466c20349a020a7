import type { CliError } from '../../errors/cli-error.ts';
import type { RunReport, StepReport } from '../../plan/report.ts';
import type { CommandRecord, Message } from './record.ts';

/** Everything that the picture of one run shows: plain data, so that it can be masked as a whole. */
export interface ReportData {
  /** Of the tool. */
  readonly version: string;
  /** The command line, pasteable. */
  readonly commandLine: string;
  readonly kind: RunReport['kind'];
  /** Milliseconds since 1970: when the command began and when it was over. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** In the simulated world; its times are simulated, too. */
  readonly rehearsal: boolean;
  /** The configuration in brief: what, and how it is. */
  readonly facts: readonly (readonly [string, string])[];
  readonly warnings: readonly string[];
  /** Absent when it did not come to that. */
  readonly run?: ReportedRun;
  /** In the order in which they were made; those before an interrupt are there, too. */
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

/** One row of the report of `verify`. */
export interface ReportedCheck {
  readonly name: string;
  readonly title: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly evidence: string;
  readonly hint?: string;
  readonly durationMs: number;
}

/** An error as its screen shows it. */
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

/** A run as plain data: without its error objects. */
export function reportedRun({ steps, kind, startedAt, endedAt, makespanMs, ...rest }: RunReport): ReportedRun {
  const { criticalPath, criticalPathMs, changed } = rest;
  const plain = steps.map(({ error, ...step }) =>
    error === undefined ? step : { ...step, failure: failureOf(error) },
  );
  return { kind, steps: plain, startedAt, endedAt, makespanMs, criticalPath, criticalPathMs, changed };
}

/** Whose commands and sentences are a step's; and a check's. */
export const ownerOf = ({ direction, id }: Pick<StepReport, 'direction' | 'id'>): string => `${direction}/${id}`;
export const checkOwner = (name: string): string => `prove/${name}`;

/** The same data with every text in it changed: for masking. */
export function mapTexts<T>(value: T, change: (text: string) => string): T {
  const walk = (part: unknown): unknown => {
    if (typeof part === 'string') return change(part);
    if (Array.isArray(part)) return part.map(walk);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, walk(inner)]));
  };
  return walk(value) as T;
}
