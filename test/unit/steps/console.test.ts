import { describe, expect, it } from 'vitest';
import type { Lab } from '../../../src/steps/lab.ts';
import { onMachine, restartOf } from '../../../src/steps/console.ts';

const lab = (name: string, incus: object = {}) => ({ engine: { name }, config: { incus } }) as unknown as Lab;

describe('what a person types', () => {
  it.each([
    ['multipass', {}, 'multipass exec -n vm -- sudo dmesg', 'multipass restart vm'],
    ['incus', {}, 'incus exec vm -- sudo dmesg', 'incus restart vm'],
    [
      'incus',
      { remote: 'far', project: 'p' },
      'incus exec --project p far:vm -- sudo dmesg',
      'incus restart --project p far:vm',
    ],
  ])('with %s %j', (engine, place, exec, restart) => {
    expect(onMachine(lab(engine, place), 'vm', 'sudo dmesg')).toBe(exec);
    expect(restartOf(lab(engine, place), 'vm')).toBe(restart);
  });
});
