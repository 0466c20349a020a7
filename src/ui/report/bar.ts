import { duration } from '../../plan/text.ts';
import { html, type Markup } from './html.ts';
import type { ReportedStep } from './report-data.ts';
import { offset, type Scale } from './scale.ts';

/** How a step spent a span of its time: `queue`, waiting to start; `turn`, waiting for a limited resource. */
export interface Segment {
  readonly kind: 'queue' | 'look' | 'turn' | 'work';
  readonly from: number;
  readonly to: number;
}

/** The time of a step as spans, in order, without empty ones. Times are milliseconds since 1970. */
export function segmentsOf(step: ReportedStep): readonly Segment[] {
  const { queuedAt, startedAt, workedAt, waitedMs, endedAt } = step;
  if (startedAt === undefined || endedAt === undefined) return [];
  const looked = workedAt === undefined ? endedAt : workedAt - waitedMs;
  const spans: readonly Segment[] = [
    { kind: 'queue', from: queuedAt ?? startedAt, to: startedAt },
    { kind: 'look', from: startedAt, to: looked },
    { kind: 'turn', from: looked, to: workedAt ?? looked },
    { kind: 'work', from: workedAt ?? looked, to: endedAt },
  ];
  const filled = spans.filter(({ from, to }) => to > from);
  // A step with a duration of 0 still needs a place on the axis.
  return filled.length > 0
    ? filled
    : [{ kind: workedAt === undefined ? 'look' : 'work', from: startedAt, to: endedAt }];
}

export interface BarOptions {
  readonly scale: Scale;
  /** The start of the time axis. */
  readonly zero: number;
  readonly critical: boolean;
}

/** Heights in pixels: checks are thinner than work, so that the two differ by more than color. */
const HEIGHT = 24;
const BOX: Readonly<Record<Segment['kind'], readonly [top: number, height: number]>> = {
  queue: [7, 8],
  look: [7, 8],
  turn: [7, 8],
  work: [3, 16],
};

/** One step on the time axis. */
export function bar(step: ReportedStep, { scale, zero, critical }: BarOptions): Markup {
  const segments = segmentsOf(step);
  const ticks = scale.ticks.map((tick) => {
    const x = scale.place(zero + tick);
    return html`<line class="grid" x1="${x}%" x2="${x}%" y1="0" y2="100%" />`;
  });
  const boxes = segments.map(({ kind, from, to }) => {
    const [top, height] = BOX[kind];
    return html`<rect
      class="${kind}"
      x="${scale.place(from)}%"
      y="${top}"
      width="${width(scale, from, to)}%"
      height="${height}"
    />`;
  });
  // It determined the end by its checks and its work, not by its waits.
  const active = segments.filter(({ kind }) => kind === 'look' || kind === 'work');
  const [first, last] = [step.turnFrom === undefined ? active[0] : active.at(-1), active.at(-1)];
  const mark =
    critical && first !== undefined && last !== undefined
      ? html`<rect
          class="mark"
          x="${scale.place(first.from)}%"
          y="${HEIGHT - 4}"
          width="${width(scale, first.from, last.to)}%"
          height="3"
        />`
      : undefined;
  return html`<svg class="bar" role="img" aria-label="${described(segments, zero)}" height="${HEIGHT}">
    ${ticks}${boxes}${mark}
  </svg>`;
}

/** Minimum width in per cent; a box of width 0 would not be drawn, nor its stroke. */
const THINNEST = 0.01;

function width(scale: Scale, from: number, to: number): number {
  return Math.max(Math.round((scale.place(to) - scale.place(from)) * 1e3) / 1e3, THINNEST);
}

const VERBS: Readonly<Record<Segment['kind'], string>> = {
  queue: 'waited to start',
  look: 'looked',
  turn: 'queued',
  work: 'worked',
};

function described(segments: readonly Segment[], zero: number): string {
  const [first, last] = [segments[0], segments.at(-1)];
  if (first === undefined || last === undefined) return 'not started';
  const spans = segments.map(({ kind, from, to }) => `${VERBS[kind]} ${duration(to - from)}`);
  return `from ${offset(first.from - zero)} to ${offset(last.to - zero)}: ${spans.join(', ')}`;
}
