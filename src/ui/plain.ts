import { duration } from '../plan/text.ts';
import type { Reporter, ReporterEvent } from './reporter.ts';

export interface PlainOptions {
  /** Writes whole lines to stderr. */
  readonly write: (text: string) => void;
  /** Print every message, including those that differ from the previous one only in numbers. */
  readonly verbose?: boolean;
}

/**
 * The minimum time between two messages of a step that differ only in numbers (percentages, bytes, attempts), in
 * milliseconds.
 */
export const REPEAT_INTERVAL_MS = 10_000;

/** Prints one line per event, with a UTC timestamp as in the log. For logs, pipes and `CI`. */
export function createPlainReporter({ write, verbose = false }: PlainOptions): Reporter {
  const directions = createDirectionTracker();
  const isNews = createRepeatFilter(verbose ? 0 : REPEAT_INTERVAL_MS);
  return {
    event: (event) => {
      directions.see(event);
      if ((event.type === 'step-said' || event.type === 'check-said') && !isNews(event)) return;
      const line = plainLine(event, directions.removing());
      if (line !== undefined) write(`${line}\n`);
    },
    finish: () => Promise.resolve(),
    abandon: () => undefined,
  };
}

/** One event as a line, or undefined when it is not worth one. `removing`: the run deletes. Pure. */
export function plainLine(event: ReporterEvent, removing: boolean): string | undefined {
  const text = textOf(event, removing);
  if (text === undefined) return undefined;
  const time = `${new Date(event.at).toISOString().slice(11, 19)}Z`;
  const who = 'id' in event ? event.id.padEnd(16) : event.type === 'warning' ? 'warning'.padEnd(16) : ''.padEnd(16);
  return `${time}  ${who}  ${text.replaceAll(/\s*\n\s*/g, ' ')}`.trimEnd();
}

function textOf(event: ReporterEvent, removing: boolean): string | undefined {
  switch (event.type) {
    case 'notice':
    case 'warning':
    case 'step-said':
    case 'check-said':
      return event.text;
    case 'step-done':
      if (event.outcome === 'ready') return removing ? 'not found' : 'unchanged';
      return `${removing ? deletedText(event.removed) : 'done'} in ${duration(event.ms)}`;
    case 'step-failed':
      if (event.outcome === 'interrupted') return `interrupted after ${duration(event.ms)}`;
      return `failed after ${duration(event.ms)}: ${event.error.message}`;
    case 'step-left':
      return 'not started';
    case 'step-waiting':
      return `queued (${event.resource}=${event.limit})`;
    case 'check-done':
      if (event.outcome === 'skipped') return event.evidence;
      return event.outcome === 'passed'
        ? `passed in ${duration(event.ms)}`
        : `failed after ${duration(event.ms)}: ${event.evidence}`;
    case 'run-started':
    case 'run-finished':
    case 'checks-started':
    case 'check-started':
    case 'checks-finished':
    case 'step-queued':
    case 'step-started':
    case 'step-working':
      return undefined;
  }
}

/** `removed`, followed by what, when that is less than the title of the step says. */
export function deletedText(removed: string | undefined): string {
  return removed === undefined ? 'deleted' : `deleted ${removed}`;
}

/** Whether a message is worth a line: it differs in more than numbers, or enough time has passed. */
export function createRepeatFilter(quietMs: number): (said: { id: string; at: number; text: string }) => boolean {
  const last = new Map<string, { shape: string; at: number }>();
  return ({ id, at, text }) => {
    const shape = text.replaceAll(/\d+(?:[.,]\d+)?/g, '#');
    const before = last.get(id);
    if (before !== undefined && before.shape === shape && at - before.at < quietMs) return false;
    last.set(id, { shape, at });
    return true;
  };
}

/** Tracks the direction of the run, because the same event has another meaning when removing. */
export function createDirectionTracker(): { see: (event: ReporterEvent) => void; removing: () => boolean } {
  let removing = false;
  return {
    see: (event) => {
      if (event.type === 'run-started') removing = event.direction === 'remove';
    },
    removing: () => removing,
  };
}
