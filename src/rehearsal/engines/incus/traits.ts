import { MACHINE_PACE } from '../../durations.ts';
import { CONTAINER_PACE } from './durations.ts';
import type { EngineState, EngineTraits } from '../../world.ts';
import { UBUNTU_RELEASES } from '../images.ts';
import { INCUS_WRAPPER, underIncusWrapper } from './wrapper.ts';

/** What the simulated server has, besides its default profile: all that a configuration names is there. */
interface IncusServer {
  /** Its name at the client; without one it is local. */
  readonly remote?: string;
  /** A project beside `default`; machines are in it. */
  readonly project?: string;
  /** An image that is there or that its remote has, as INCUS_IMAGE names it. */
  readonly image?: string;
  /** A server that is asked for virtual machines can run them; any other has no KVM. */
  readonly virtualMachines: boolean;
  /** A managed network beside that of the profile. */
  readonly network?: string;
  /** Members and groups (`@NAME`) of its cluster; without any it is not clustered. */
  readonly targets: readonly string[];
  /** Network of the default profile, a managed bridge. */
  readonly bridge: string;
}

export function serverOf({ settings }: Pick<EngineState, 'settings'>): IncusServer {
  const named = {
    remote: settings['INCUS_REMOTE'],
    project: settings['INCUS_PROJECT'],
    image: settings['INCUS_IMAGE'],
    network: settings['INCUS_NETWORK'],
  };
  return {
    ...(Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined && value !== '')) as Partial<
      Record<keyof typeof named, string>
    >),
    virtualMachines: settings['INCUS_TYPE'] === 'virtual-machine',
    targets: (settings['INCUS_TARGETS'] ?? '').split(',').filter((target) => target !== ''),
    bridge: 'incusbr0',
  };
}

export const incus: EngineTraits = {
  version: () => '6.0.4',
  pace: (settings) => (serverOf({ settings }).virtualMachines ? MACHINE_PACE : CONTAINER_PACE),
  subnet: '10.158.7',
  wrapper: { text: INCUS_WRAPPER, run: underIncusWrapper },
  localImages: (settings) => {
    const { image } = serverOf({ settings });
    const released = [...UBUNTU_RELEASES].map((release) => `images:ubuntu/${release}/cloud`);
    return image === undefined ? released : [...released, image];
  },
};
