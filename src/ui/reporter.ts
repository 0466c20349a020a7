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

/** What a program says besides its answer: the events of runs, and single sentences. */
export type ReporterEvent =
  | RunEvent
  | CheckEvent
  /** For information; warnings are for what a person may want to change. */
  | { readonly type: 'notice'; readonly at: number; readonly text: string }
  | { readonly type: 'warning'; readonly at: number; readonly text: string };

/** Tells the story of a run on stderr. Steps know nothing of it. */
export interface Reporter {
  /** Takes an event; never throws, never waits. */
  readonly event: (event: ReporterEvent) => void;
  /** Resolves when everything is on the screen and the terminal is free. */
  readonly finish: () => Promise<void>;
  /** Leaves at once, with the terminal as it was: for the second interrupt. */
  readonly abandon: () => void;
}

/** Says nothing. */
export function createSilentReporter(): Reporter {
  return { event: () => undefined, finish: () => Promise.resolve(), abandon: () => undefined };
}

/** Tells the same to several, e.g. the screen and the log. */
export function combineReporters(...reporters: readonly Reporter[]): Reporter {
  return {
    event: (event) => reporters.forEach((reporter) => reporter.event(event)),
    finish: async () => {
      await Promise.all(reporters.map((reporter) => reporter.finish()));
    },
    abandon: () => reporters.forEach((reporter) => reporter.abandon()),
  };
}
