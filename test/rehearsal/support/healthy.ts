import { expect } from 'vitest';
import { simulated, type Simulated, type SimulatedOptions } from './simulated.ts';

/** Creates a lab with `upTwiceIn`. */
export const upTwice = (options: SimulatedOptions) => upTwiceIn(simulated(options));

/** Runs `up`, verifies the lab, and expects that a second `up` changes nothing. */
export async function upTwiceIn(lab: Simulated) {
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
