import { MACHINE_PACE } from '../../durations.ts';
import { CONTAINER_PACE } from './durations.ts';
import type { EngineState, EngineTraits } from '../../world.ts';
import { UBUNTU_RELEASES } from '../images.ts';
import { INCUS_WRAPPER, underIncusWrapper } from './wrapper.ts';

/** What the simulated server has besides its default profile: everything that the configuration names exists. */
interface IncusServer {
  /** The client's name for the server; without one it is local. */
  readonly remote?: string;
  /** A project besides `default`; the machines are in it. */
  readonly project?: string;
  /** An image that exists locally or on its remote, as INCUS_IMAGE names it. */
  readonly image?: string;
  /** True when the configuration requests virtual machines; otherwise the server has no KVM. */
  readonly virtualMachines: boolean;
  /** A managed network besides that of the profile. */
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
