import { describe, expect, it } from 'vitest';
import { ignoreEchoes, type EndSignal } from '../../../src/system/signals.ts';

/** Times in milliseconds of the given signals that are not ignored. */
function handledTimes(...signals: [number, EndSignal][]): number[] {
  let now = 0;
  const handled: number[] = [];
  const onSignal = ignoreEchoes(
    () => handled.push(now),
    () => now,
  );
  for (const [at, signal] of signals) {
    now = at;
    onSignal(signal);
  }
  return handled;
}

describe('signals', () => {
  it('count as two when they come one after the other', () => {
    expect(handledTimes([0, 'SIGINT'], [900, 'SIGINT'])).toEqual([0, 900]);
    expect(handledTimes([5, 'SIGTERM'], [505, 'SIGINT'])).toEqual([5, 505]);
  });

  it('count as one for a Ctrl-C under npx', () => {
    expect(handledTimes([10, 'SIGINT'], [12, 'SIGINT'])).toEqual([10]);
    expect(handledTimes([10, 'SIGINT'], [12, 'SIGINT'], [2_000, 'SIGINT'], [2_400, 'SIGINT'])).toEqual([10, 2_000]);
  });

  it('request a graceful stop when the terminal is closed, and never an immediate one', () => {
    expect(handledTimes([0, 'SIGHUP'], [700, 'SIGHUP'], [9_000, 'SIGHUP'])).toEqual([0]);
    expect(handledTimes([0, 'SIGINT'], [700, 'SIGHUP'])).toEqual([0]);
    expect(handledTimes([0, 'SIGHUP'], [700, 'SIGTERM'])).toEqual([0, 700]);
  });
});
