import { expect } from 'vitest';
import { simulated, type SimulatedOptions } from './simulated.ts';

/** Runs `up`, verifies the lab, and expects that a second `up` changes nothing. */
export async function upTwice(options: SimulatedOptions) {
  const lab = simulated(options);
  const first = await lab.up();
  expect(first.report.error).toBeUndefined();
  const verification = await lab.verify();
  expect(verification.results.filter(({ ok }) => !ok)).toEqual([]);
  const second = await lab.up();
  expect(second.report.error).toBeUndefined();
  expect(second.changed).toEqual([]);
  expect(second.writes).toEqual([]);
  return { lab, first, verification, second };
}
