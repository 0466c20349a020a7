import { expect } from 'vitest';
import { simulated, type SimulatedOptions } from './simulated.ts';

/** Up, proven, and up again without a single change. */
export async function upTwice(options: SimulatedOptions) {
  const lab = simulated(options);
  const first = await lab.up();
  expect(first.report.error).toBeUndefined();
  const proofs = await lab.verify();
  expect(proofs.results.filter(({ ok }) => !ok)).toEqual([]);
  const second = await lab.up();
  expect(second.report.error).toBeUndefined();
  expect(second.changed).toEqual([]);
  expect(second.writes).toEqual([]);
  return { lab, first, proofs, second };
}
