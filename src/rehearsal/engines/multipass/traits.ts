import { MACHINE_PACE } from '../../durations.ts';
import type { EngineTraits } from '../../world.ts';
import { UBUNTU_RELEASES } from '../images.ts';
import { underWrapper, WRAPPER } from './wrapper.ts';

export const multipass: EngineTraits = {
  version: ({ platform }) => (platform === 'darwin' ? '1.16.3+mac' : '1.16.3'),
  pace: () => MACHINE_PACE,
  subnet: '192.168.64',
  wrapper: { text: WRAPPER, run: underWrapper },
  localImages: () => [...UBUNTU_RELEASES],
};
