import { nodeAddresses } from '../../guest/k3s.ts';
import { isFaultOn } from '../../fault-state.ts';
import type { Instance, World } from '../../world.ts';
import { isDaemonAway } from '../daemon.ts';

/** Kinds of JSON that these commands print. */
export type Json = string | number | readonly Json[] | { readonly [key: string]: Json };

/** JSON as Qt formats it: four spaces, sorted keys, an empty array on two lines (docs/facts/multipass.md 2). */
export function qtJson(value: Json): string {
  return `${layout(value, '')}\n`;
}

function layout(value: Json, indent: string): string {
  const inner = `${indent}    `;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) {
    const items = (value as readonly Json[]).map((item) => `${inner}${layout(item, inner)}`);
    return items.length === 0 ? `[\n${indent}]` : `[\n${items.join(',\n')}\n${indent}]`;
  }
  const fields = Object.entries(value as { readonly [key: string]: Json })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${inner}${JSON.stringify(key)}: ${layout(field, inner)}`);
  return fields.length === 0 ? `{\n${indent}}` : `{\n${fields.join(',\n')}\n${indent}}`;
}

/** `version --format json`; omits a daemon that does not answer. */
export function versionView(world: World): string {
  const { version } = world.engine;
  return qtJson(isDaemonAway(world) ? { multipass: version } : { multipass: version, multipassd: version });
}

/** `list --format json`: live instances first, then deleted ones, otherwise in no guaranteed order. */
export function listView(world: World): string {
  const instances = [...world.engine.instances.values()];
  const deleted = (instance: Instance): boolean => instance.state === 'Deleted';
  const order = [...instances.filter((instance) => !deleted(instance)).reverse(), ...instances.filter(deleted)];
  return qtJson({
    list: order.map((instance) => ({
      ipv4: addresses(world, instance),
      name: instance.name,
      release: `Ubuntu ${instance.release} LTS`,
      state: instance.state,
    })),
  });
}

/** `info NAME... --format json`. */
export function infoView(world: World, instances: readonly Instance[]): string {
  return qtJson({
    errors: [],
    info: Object.fromEntries(instances.map((instance) => [instance.name, about(world, instance)])),
  });
}

function about(world: World, instance: Instance): Json {
  const running = instance.state === 'Running';
  const memory = bytesOf(instance.memory) ?? 0;
  const disk = bytesOf(instance.disk) ?? 0;
  return {
    cpu_count: running ? String(instance.cpus) : '',
    disks: { sda1: running ? { total: String(Math.round(disk * 0.96)), used: '1932735283' } : {} },
    image_hash: '1797c5c84d2ae8f6f4e2ff1d8b2b4b2e6b7c3b9b1c0f4d6e5a7f8c9d0e1f2a3b',
    image_release: `${instance.release} LTS`,
    ipv4: addresses(world, instance),
    load: running ? [0.45, 0.51, 0.15] : [],
    memory: running ? { total: Math.round(memory * 0.94), used: Math.round(memory * 0.2) } : {},
    mounts: {},
    release: running ? `Ubuntu ${instance.release}.3 LTS` : '',
    snapshot_count: '0',
    state: instance.state,
  };
}

/**
 * The management address first, then the guest's others; a placeholder while there is none yet
 * (docs/facts/multipass.md 2.6).
 */
function addresses(world: World, instance: Instance): readonly string[] {
  if (instance.state !== 'Running') return [];
  if (!instance.addressKnown) return ['N/A'];
  const bridge = isFaultOn(world, 'second-address') ? ['172.17.0.1'] : [];
  return [instance.address, ...bridge, ...nodeAddresses({ world, instance })];
}

/** Bytes of a size in Multipass' grammar (docs/facts/multipass.md 1.3), or undefined for anything else. */
export function bytesOf(size: string): number | undefined {
  const match = /^(\d+)(\.\d+)?(?:([KMG])i?B?|B)?$/i.exec(size.trim());
  if (match === null || (match[2] !== undefined && match[3] === undefined)) return undefined;
  const unit = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[match[3]?.toUpperCase() ?? ''] ?? 1;
  return Math.floor(Number(`${match[1]}${match[2] ?? ''}`) * unit);
}
