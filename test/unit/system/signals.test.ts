import { describe, expect, it } from 'vitest';
import { ignoreEchoes, type EndSignal } from '../../../src/system/signals.ts';

/** How many wishes are heard in these signals, each after so many milliseconds. */
function wishes(...signals: [number, EndSignal][]): number[] {
  let now = 0;
  const heard: number[] = [];
  const hear = ignoreEchoes(
    () => heard.push(now),
    () => now,
  );
  for (const [at, signal] of signals) {
    now = at;
    hear(signal);
  }
  return heard;
}

describe('signals', () => {
  it('count as two when they come one after the other', () => {
    expect(wishes([0, 'SIGINT'], [900, 'SIGINT'])).toEqual([0, 900]);
    expect(wishes([5, 'SIGTERM'], [505, 'SIGINT'])).toEqual([5, 505]);
  });

  it('count as one for a Ctrl-C under npx', () => {
    expect(wishes([10, 'SIGINT'], [12, 'SIGINT'])).toEqual([10]);
    expect(wishes([10, 'SIGINT'], [12, 'SIGINT'], [2_000, 'SIGINT'], [2_400, 'SIGINT'])).toEqual([10, 2_000]);
  });

  it('ask to end when the terminal is closed, but never to quit at once', () => {
    expect(wishes([0, 'SIGHUP'], [700, 'SIGHUP'], [9_000, 'SIGHUP'])).toEqual([0]);
    expect(wishes([0, 'SIGINT'], [700, 'SIGHUP'])).toEqual([0]);
    expect(wishes([0, 'SIGHUP'], [700, 'SIGTERM'])).toEqual([0, 700]);
  });
});
