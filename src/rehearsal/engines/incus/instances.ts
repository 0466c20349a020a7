import type { UserData } from '../../guest/cloud-init.ts';
import type { HostCall, Instance, ProgramResult, World } from '../../world.ts';
import type { ParsedArgs } from '../arguments.ts';
import { failure } from './answers.ts';
import { serverOf } from './traits.ts';

export type Device = Readonly<Record<string, string>>;

/** What Incus stores about an instance, besides what every simulated machine has. */
export interface IncusFacts {
  readonly type: 'container' | 'virtual-machine';
  readonly config: Map<string, string>;
  readonly devices: Readonly<Record<string, Device>>;
  /** Cluster member; `none` without a cluster. */
  readonly location: string;
  readonly createdAt: number;
  /** The operation in progress; until it ends, every other change is rejected. */
  busy?: 'create' | 'start' | 'stop';
  /** User data that the first boot still has to process. */
  firstBoot?: UserData;
}

const facts = new WeakMap<Instance, IncusFacts>();

export function setFacts(instance: Instance, of: IncusFacts): void {
  facts.set(instance, of);
}

/** A machine that a test put into the world has no facts; it counts as a container without settings. */
export function factsOf(instance: Instance): IncusFacts {
  const known = facts.get(instance) ?? {
    type: 'container',
    config: new Map(),
    devices: {},
    location: 'none',
    createdAt: 0,
  };
  facts.set(instance, known);
  return known;
}

/** The project that a command applies to. */
export const projectOf = ({ options }: ParsedArgs): string => options.get('project') ?? 'default';

/** The project that holds all instances, from the configuration. */
export const projectOfAll = ({ engine }: World): string => serverOf(engine).project ?? 'default';

/** Splits `[REMOTE:]NAME`, or returns the client's error for an unknown remote. */
export function onRemote(
  { engine }: World,
  text: string,
): { readonly name: string; readonly remote: string } | ProgramResult {
  const colon = text.indexOf(':');
  const [remote, name] =
    colon < 0 ? [serverOf(engine).remote ?? 'local', text] : [text.slice(0, colon), text.slice(colon + 1)];
  if (['local', 'images', serverOf(engine).remote].includes(remote)) return { name, remote };
  return failure(`The remote "${remote}" doesn't exist`);
}

/** Instances of a project; Incus keeps no deleted ones. */
export function instancesIn(world: World, project: string): readonly Instance[] {
  if (project !== projectOfAll(world)) return [];
  return [...world.engine.instances.values()].filter(({ state }) => state !== 'Deleted');
}

/** The instance that a command names, or the error that it was not found. */
export function named(call: HostCall, parsed: ParsedArgs, text: string): Instance | ProgramResult {
  const target = onRemote(call.world, text);
  if ('exitCode' in target) return target;
  const project = projectOf(parsed);
  const found = instancesIn(call.world, project).find(({ name }) => name === target.name);
  return found ?? failure(absence(target.name, project));
}

export const absence = (name: string, project: string): string =>
  `Failed to fetch instance "${name}" in project "${project}": Instance not found`;

/** The error for every change of an instance while another one is in progress. */
export function busyWith(instance: Instance): ProgramResult | undefined {
  const { busy } = factsOf(instance);
  return busy === undefined ? undefined : failure(`Instance is busy running a "${busy}" operation`);
}

/** Devices of the default profile, as `incus admin init --minimal` makes it. */
export const PROFILE = ({ engine }: World): Readonly<Record<string, Device>> => ({
  eth0: { name: 'eth0', network: serverOf(engine).bridge, type: 'nic' },
  root: { path: '/', pool: 'default', type: 'disk' },
});
