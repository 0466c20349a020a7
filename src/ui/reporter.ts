import type { RunEvent } from '../plan/events.ts';

/** Progress of the checks of `verify`, in order. `id` is the name of the check. */
export type CheckEvent = { readonly at: number } & (
  | { readonly type: 'checks-started'; readonly checks: readonly { readonly id: string; readonly title: string }[] }
  | { readonly type: 'check-started'; readonly id: string }
  | { readonly type: 'check-said'; readonly id: string; readonly text: string }
  | {
      readonly type: 'check-done';
      readonly id: string;
      readonly outcome: 'passed' | 'failed' | 'skipped';
      readonly ms: number;
      readonly evidence: string;
    }
  | { readonly type: 'checks-finished' }
);

/** Everything a program reports besides its output: the events of runs, and single messages. */
export type ReporterEvent =
  | RunEvent
  | CheckEvent
  /** For information only; a warning is for what a user may want to change. */
  | { readonly type: 'notice'; readonly at: number; readonly text: string }
  | { readonly type: 'warning'; readonly at: number; readonly text: string };

/** Shows the progress of a run on stderr. Steps do not depend on it. */
export interface Reporter {
  /** Takes an event; never throws, never blocks. */
  readonly event: (event: ReporterEvent) => void;
  /** Resolves when everything is on the screen and the terminal is released. */
  readonly finish: () => Promise<void>;
  /** Ends at once and restores the terminal: for the second interrupt. */
  readonly abandon: () => void;
}

/** Discards all events. */
export function createSilentReporter(): Reporter {
  return { event: () => undefined, finish: () => Promise.resolve(), abandon: () => undefined };
}

/** Sends events to several reporters, e.g. the screen and the log. */
export function combineReporters(...reporters: readonly Reporter[]): Reporter {
  return {
    event: (event) => reporters.forEach((reporter) => reporter.event(event)),
    finish: async () => {
      await Promise.all(reporters.map((reporter) => reporter.finish()));
    },
    abandon: () => reporters.forEach((reporter) => reporter.abandon()),
  };
}
