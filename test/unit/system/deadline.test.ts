import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../../src/rehearsal/clock.ts';
import { createDeadline } from '../../../src/system/deadline.ts';

const TWO_HOURS = 7_200_000;

describe('a deadline', () => {
  it('is used up by probes and pauses', async () => {
    const clock = createVirtualClock(1_000);
    const deadline = createDeadline(clock, 60_000);
    await clock.drive(clock.sleep(10_000));
    expect([deadline.spent(), deadline.left()]).toEqual([10_000, 50_000]);
    expect(await clock.drive(deadline.pause(5_000))).toBe(0);
    expect([deadline.spent(), deadline.left()]).toEqual([15_000, 45_000]);
    await clock.drive(deadline.pause(50_000));
    expect(deadline.left()).toBe(0);
  });

  it.each([
    ['a pause', (clock: ReturnType<typeof createVirtualClock>) => clock.after(2_000, () => clock.leap(TWO_HOURS))],
    ['the probe before it', (clock: ReturnType<typeof createVirtualClock>) => clock.leap(TWO_HOURS)],
  ])('is not used up while the computer sleeps in %s', async (_, sleep) => {
    const clock = createVirtualClock(0);
    const deadline = createDeadline(clock, 90_000);
    sleep(clock);
    await clock.drive(deadline.pause(5_000));
    // A sleep during a probe looks like a slow probe, so the longest time of a probe counts.
    expect(deadline.spent()).toBeLessThanOrEqual(65_000);
    expect(deadline.left()).toBeGreaterThan(0);
  });

  it('reports how long the computer slept in a pause', async () => {
    const clock = createVirtualClock(0);
    const deadline = createDeadline(clock, 60_000);
    clock.after(1_000, () => clock.leap(TWO_HOURS));
    expect(await clock.drive(deadline.pause(5_000))).toBe(TWO_HOURS);
    expect(deadline.spent()).toBe(5_000);
  });

  it('ends even when the computer sleeps during every probe', async () => {
    const clock = createVirtualClock(0);
    const deadline = createDeadline(clock, 600_000);
    let probes = 0;
    for (; deadline.left() > 0; probes++) {
      clock.leap(TWO_HOURS);
      await clock.drive(deadline.pause(1_000));
    }
    expect(probes).toBe(10);
  });
});
