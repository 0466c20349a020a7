import { describe, expect, it } from 'vitest';
import { CliError } from '../../../src/errors/cli-error.ts';
import { waitUntil, type ProbeResult } from '../../../src/plan/wait.ts';
import { counted, duration, sentence } from '../../../src/plan/text.ts';
import { createVirtualClock } from '../../../src/rehearsal/clock.ts';

function waiting(probe: (now: number) => ProbeResult<string>, deadlineMs = 20_000) {
  const clock = createVirtualClock(0);
  const interrupt = new AbortController();
  const messages: string[] = [];
  const probeTimes: number[] = [];
  return {
    clock,
    interrupt,
    messages,
    probeTimes,
    done: () =>
      clock.drive(
        waitUntil({
          clock,
          signal: interrupt.signal,
          what: 'the moon',
          deadlineMs,
          intervalMs: 1000,
          hint: 'Look up.',
          say: (text) => void messages.push(text),
          probe: () => {
            probeTimes.push(clock.now());
            return Promise.resolve(probe(clock.now()));
          },
        }),
      ),
  };
}

describe('waiting', () => {
  it('returns the result of the probe, and reports each reason once', async () => {
    const wait = waiting((now) => (now >= 4000 ? { ready: 'full' } : { pending: now < 2000 ? 'clouds' : 'half' }));
    await expect(wait.done()).resolves.toBe('full');
    expect(wait.messages).toEqual(['waiting for the moon: clouds', 'waiting for the moon: half']);
    expect(wait.probeTimes.slice(0, 3)).toEqual([0, 1000, 2250]);
  });

  it('probes more slowly over time, and once more at the deadline', async () => {
    const wait = waiting(() => ({ pending: 'clouds' }));
    await expect(wait.done()).rejects.toMatchObject({
      reason: 'timed-out',
      message: 'Timed out waiting for the moon after 20s: clouds.',
      facts: { hint: 'Look up.' },
    });
    expect(wait.probeTimes.at(-1)).toBe(20_000);
    const pauses = wait.probeTimes.slice(1).map((at, place) => at - (wait.probeTimes[place] ?? 0));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(3000);
  });

  it('ends at once when interrupted', async () => {
    const wait = waiting(() => ({ pending: 'clouds' }));
    wait.clock.after(1500, () => wait.interrupt.abort());
    await expect(wait.done()).rejects.toMatchObject({ reason: 'interrupted' });
    expect(wait.clock.now()).toBe(1500);
  });

  it('ends at once with the error of a probe that has failed', async () => {
    const failed = new CliError('port-conflict', { message: 'Cloud in the way.' });
    const wait = waiting((now) => (now >= 1000 ? { failed } : { pending: 'clouds' }));
    await expect(wait.done()).rejects.toBe(failed);
    expect(wait.probeTimes).toEqual([0, 1000]);
  });

  it('blocks before the first probe of something that was just started', async () => {
    const clock = createVirtualClock(0);
    const events: string[] = [];
    const done = waitUntil({
      clock,
      what: 'the moon',
      deadlineMs: 60_000,
      intervalMs: 2_000,
      hint: 'Look up.',
      say: (text) => void events.push(text),
      blockFirst: true,
      block: async (ms) => {
        events.push(`blocked for ${ms}`);
        await clock.sleep(3_000);
        return true;
      },
      probe: () => Promise.resolve({ ready: clock.now() }),
    });
    await expect(clock.drive(done)).resolves.toBe(3_000);
    expect(events).toEqual(['waiting for the moon', 'blocked for 10000']);
  });

  it('passes on what a probe throws', async () => {
    const wait = waiting(() => {
      throw new CliError('disk-full', { message: 'No room.' });
    });
    await expect(wait.done()).rejects.toMatchObject({ reason: 'disk-full' });
  });
});

describe('a sleep of the computer', () => {
  it('does not count against the deadline', async () => {
    const wait = waiting((now) => (now >= 7_205_000 ? { ready: 'there' } : { pending: 'not yet' }));
    wait.clock.after(2_000, () => wait.clock.leap(7_200_000));
    await expect(wait.done()).resolves.toBe('there');
    expect(wait.messages.some((text) => text.includes('slept'))).toBe(true);
  });

  it('does not count while a command blocks, and is reported', async () => {
    const clock = createVirtualClock(0);
    const messages: string[] = [];
    const done = waitUntil({
      clock,
      what: 'the thing',
      deadlineMs: 60_000,
      intervalMs: 2_000,
      hint: 'Look.',
      say: (text) => messages.push(text),
      block: async () => {
        clock.leap(7_200_000);
        await clock.sleep(1_000);
        return true;
      },
      probe: () => Promise.resolve(clock.now() > 7_200_000 ? { ready: 'there' } : { pending: 'not yet' }),
    });
    await expect(clock.drive(done)).resolves.toBe('there');
    expect(messages.some((text) => text.includes('the computer slept for 1h59m'))).toBe(true);
  });

  it('does not count while a probe runs', async () => {
    let probes = 0;
    const wait = waiting(() => {
      probes += 1;
      if (probes === 2) wait.clock.leap(7_200_000);
      return probes === 4 ? { ready: 'there' } : { pending: 'not yet' };
    }, 120_000);
    await expect(wait.done()).resolves.toBe('there');
  });
});

describe('texts', () => {
  it('show durations with two units at most', () => {
    expect([0, 449, 9_949, 9_950, 59_600, 144_000, 3_600_000].map(duration)).toEqual([
      '0.0s',
      '0.4s',
      '9.9s',
      '10s',
      '1m',
      '2m24s',
      '1h',
    ]);
  });
  it('end with one period, and use singular and plural', () => {
    expect([sentence('no'), sentence('no.'), sentence('why?')]).toEqual(['no.', 'no.', 'why?']);
    expect([counted(1, 'step'), counted(0, 'step')]).toEqual(['1 step', '0 steps']);
  });
});
