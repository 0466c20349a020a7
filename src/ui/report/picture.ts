import type { CliError } from '../../errors/cli-error.ts';
import type { RunReport, StepReport } from '../../plan/report.ts';
import type { CommandRecord, Saying } from './record.ts';

/** Everything that the picture of one run shows: plain data, so that it can be masked as a whole. */
export interface Picture {
  /** Of the tool. */
  readonly version: string;
  /** The command line, pasteable. */
  readonly typed: string;
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
  readonly run?: PicturedRun;
  /** In the order in which they were made; those before an interrupt are there, too. */
  readonly proofs: readonly Proof[];
  readonly commands: readonly CommandRecord[];
  readonly sayings: readonly Saying[];
  readonly failure?: Failure;
}

export interface PicturedRun extends Omit<RunReport, 'steps' | 'error'> {
  readonly steps: readonly PicturedStep[];
}

export interface PicturedStep extends Omit<StepReport, 'error'> {
  readonly failure?: Failure;
}

/** One row of the report of `verify`. */
export interface Proof {
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
export function picturedRun({ steps, kind, startedAt, endedAt, makespanMs, ...rest }: RunReport): PicturedRun {
  const { criticalPath, criticalPathMs, changed } = rest;
  const plain = steps.map(({ error, ...step }) =>
    error === undefined ? step : { ...step, failure: failureOf(error) },
  );
  return { kind, steps: plain, startedAt, endedAt, makespanMs, criticalPath, criticalPathMs, changed };
}

/** Whose commands and sentences are a step's; and a check's. */
export const ownerOf = ({ direction, id }: Pick<StepReport, 'direction' | 'id'>): string => `${direction}/${id}`;
export const proofOwner = (name: string): string => `prove/${name}`;

/** The same data with every text in it changed: for masking. */
export function everyText<T>(value: T, change: (text: string) => string): T {
  const walk = (part: unknown): unknown => {
    if (typeof part === 'string') return change(part);
    if (Array.isArray(part)) return part.map(walk);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, walk(inner)]));
  };
  return walk(value) as T;
}
