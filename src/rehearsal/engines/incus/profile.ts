import type { World } from '../../world.ts';
import type { Device } from './instances.ts';
import { serverOf } from './traits.ts';

/** Devices of the default profile, as `incus admin init --minimal` makes it. */
export const PROFILE = ({ engine }: World): Readonly<Record<string, Device>> => ({
  eth0: { name: 'eth0', network: serverOf(engine).bridge, type: 'nic' },
  root: { path: '/', pool: 'default', type: 'disk' },
});
