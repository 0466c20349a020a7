import { expect, it } from 'vitest';
import { problems } from '../../config/fixtures.ts';

it('refuses the name that Multipass reserves, only with Multipass', () => {
  const flags = { WORKLOAD_VM_NAME: 'primary' };
  expect(problems({ flags }).join()).toContain('which Multipass keeps for itself');
  expect(problems({ flags: { ...flags, MACHINE_ENGINE: 'incus' } })).toEqual([]);
});
