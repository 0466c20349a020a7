import { fc } from '../../../support/fast-check.ts';
import { describe, expect, it } from 'vitest';
import { bar, segmentsOf } from '../../../../src/ui/report/bar.ts';
import { markupText } from '../../../../src/ui/report/html.ts';
import type { ReportedStep } from '../../../../src/ui/report/report-data.ts';
import { createScale, offset } from '../../../../src/ui/report/scale.ts';
import { NOON, step } from './report-fixture.ts';

const spans = (times: Partial<ReportedStep>): string[] =>
  segmentsOf(step('a', 'A', times)).map(({ kind, from, to }) => `${kind} ${from - NOON}-${to - NOON}`);

describe('the spans of a step', () => {
  it.each<[string, Partial<ReportedStep>, string[]]>([
    ['it was not started', { outcome: 'not-started' }, []],
    ['it was ready', { startedAt: 10, endedAt: 40 }, ['look 10-40']],
    ['it was checked and applied', { startedAt: 10, workedAt: 20, endedAt: 40 }, ['look 10-20', 'work 20-40']],
    [
      'it was queued',
      { startedAt: 10, workedAt: 35, endedAt: 40, waitedMs: 15 },
      ['look 10-20', 'turn 20-35', 'work 35-40'],
    ],
    ['it waited to start', { queuedAt: 5, startedAt: 10, endedAt: 40 }, ['queue 5-10', 'look 10-40']],
    ['its check took no time', { startedAt: 10, endedAt: 10 }, ['look 10-10']],
    ['its work took no time', { startedAt: 10, workedAt: 10, endedAt: 10 }, ['work 10-10']],
  ])('are correct when %s', (_what, times, expected) => {
    expect(spans(times)).toEqual(expected);
  });

  it('follow each other without a gap, from start to end', () => {
    const ms = fc.integer({ min: 0, max: 1e7 });
    fc.assert(
      fc.property(ms, ms, ms, ms, ms, (queuedAt, queue, look, waitedMs, work) => {
        const startedAt = queuedAt + queue;
        const workedAt = startedAt + look + waitedMs;
        const endedAt = workedAt + work;
        const segments = segmentsOf(step('a', 'A', { queuedAt, startedAt, workedAt, endedAt, waitedMs }));
        expect([segments[0]!.from, segments.at(-1)!.to]).toEqual(
          [NOON + queuedAt, NOON + endedAt].map((at, place) =>
            // A segment without duration is placed at the start of the step.
            segments.length === 1 && segments[0]!.from === segments[0]!.to && place === 0 ? NOON + startedAt : at,
          ),
        );
        for (const [place, { from }] of segments.entries()) if (place > 0) expect(from).toBe(segments[place - 1]!.to);
      }),
    );
  });
});

describe('a bar', () => {
  const scale = createScale(NOON, NOON + 100);

  it('describes its segments in its label', () => {
    const waited = step('a', 'A', { startedAt: 0, workedAt: 60_000, endedAt: 90_000, waitedMs: 59_500 });
    const text = markupText(bar(waited, { scale: createScale(NOON, NOON + 90_000), zero: NOON, critical: false }));
    expect(text).toContain('aria-label="from 0:00 to 1:30: looked 0.5s, queued 1m, worked 30s"');
    expect(text).not.toContain('class="mark"');
  });

  it('marks the work on the critical path, and not the wait', () => {
    const waited = step('a', 'A', { startedAt: 0, workedAt: 60, endedAt: 90, waitedMs: 50, turnFrom: 'b' });
    expect(markupText(bar(waited, { scale, zero: NOON, critical: true }))).toMatch(
      /class="mark"\s+x="60%"[^>]*width="30%"/,
    );
    const plain = step('a', 'A', { startedAt: 0, workedAt: 60, endedAt: 90 });
    expect(markupText(bar(plain, { scale, zero: NOON, critical: true }))).toMatch(
      /class="mark"\s+x="0%"[^>]*width="90%"/,
    );
  });

  it('shows a step without duration', () => {
    const instant = step('a', 'A', { startedAt: 50, endedAt: 50 });
    expect(markupText(bar(instant, { scale, zero: NOON, critical: false }))).toMatch(
      /class="look"\s+x="50%"[^>]*width="0.01%"/,
    );
  });
});

describe('the scale', () => {
  it.each([
    [0, [0]],
    [180, [0, 100]],
    [2_500, [0, 500, 1000, 1500, 2000, 2500]],
    [179_000, [0, 30_000, 60_000, 90_000, 120_000, 150_000]],
    [3_600_000, [0, 600_000, 1_200_000, 1_800_000, 2_400_000, 3_000_000, 3_600_000]],
  ])('of %i ms has round ticks', (span, ticks) => {
    expect(createScale(NOON, NOON + span).ticks).toEqual(ticks);
  });

  it('has few ticks for any duration, and places everything inside', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e10 }), fc.integer({ min: -1e10, max: 1e10 }), (span, at) => {
        const { ticks, place } = createScale(0, span);
        expect(ticks.length).toBeLessThanOrEqual(7);
        expect(place(at)).toBeGreaterThanOrEqual(0);
        expect(place(at)).toBeLessThanOrEqual(100);
        expect(place(span)).toBe(span === 0 ? 0 : 100);
      }),
    );
  });

  it.each([
    [0, '0:00', '0:00.0'],
    [7_449, '0:07', '0:07.4'],
    [59_960, '1:00', '1:00.0'],
    [754_000, '12:34', '12:34.0'],
    [3_723_400, '1:02:03', '1:02:03.4'],
  ])('formats %i ms from the start as %s', (ms, text, tenths) => {
    expect(offset(ms)).toBe(text);
    expect(offset(ms, true)).toBe(tenths);
  });
});
