/** Maps time to horizontal positions. */
export interface Scale {
  /** The position of a time, in per cent of the width. */
  readonly place: (at: number) => number;
  /** The times labeled on the axis, in milliseconds since `from`. */
  readonly ticks: readonly number[];
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Round intervals for ticks. */
const ROUND = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 6, 12, 24].map((count) => count * HOUR),
];
/** The maximum number of ticks; more do not fit on a narrow screen. */
const MAX_TICKS = 6;

/** The scale between two times in milliseconds since 1970. */
export function createScale(from: number, to: number): Scale {
  // A run with a duration of 0 still needs a width.
  const span = Math.max(to - from, 1);
  const step = ROUND.find((each) => span / each <= MAX_TICKS) ?? Math.ceil(span / MAX_TICKS / HOUR) * HOUR;
  return {
    place: (at) => Math.round(Math.min(Math.max((at - from) / span, 0), 1) * 1e5) / 1e3,
    ticks: Array.from({ length: Math.floor(span / step) + 1 }, (_, count) => count * step),
  };
}

/** Time since the start in clock format: `0:07`, `12:30`, `1:02:03`; optionally with tenths. */
export function offset(ms: number, tenths = false): string {
  const rounded = tenths ? Math.round(ms / 100) / 10 : Math.round(ms / SECOND);
  const [hours, minutes] = [Math.floor(rounded / 3600), Math.floor(rounded / 60) % 60];
  const seconds = (rounded % 60).toFixed(tenths ? 1 : 0).padStart(tenths ? 4 : 2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}` : `${minutes}:${seconds}`;
}
