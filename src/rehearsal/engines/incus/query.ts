import { INCUS_CALL } from './durations.ts';
import { KERNEL_CPU } from '../../guest/scripts/state.ts';
import type { HostCall, ProgramResult, World } from '../../world.ts';
import type { ParsedArgs } from '../arguments.ts';
import { daemonAway, failure, help } from './answers.ts';
import { findImage } from './images.ts';
import { onRemote, projectOfAll } from './instances.ts';
import { PROFILE } from './instances.ts';
import { serverOf } from './traits.ts';

/** An answer of the API, or the error for what is not found. */
type Resource = (world: World, name: string) => object | ProgramResult;

const RESOURCES: readonly (readonly [RegExp, Resource])[] = [
  [/^\/1\.0$/, serverView],
  [/^\/1\.0\/profiles\/(.+)$/, profileView],
  [/^\/1\.0\/images\/aliases\/(.+)$/, aliasView],
  [/^\/1\.0\/networks\/([^/]+)$/, networkView],
  [/^\/1\.0\/networks\/([^/]+)\/state$/, networkState],
  [/^\/1\.0\/cluster\/members\/(.+)$/, (world, name) => memberView(world, name, 'Cluster member not found')],
  [/^\/1\.0\/cluster\/groups\/(.+)$/, (world, name) => memberView(world, `@${name}`, 'Cluster group not found')],
];

/**
 * `incus query [REMOTE:]/1.0/…[?project=P]`: bare JSON, or an error for what is not found (docs/facts/incus.md 4.3).
 */
export async function query(call: HostCall, { positionals }: ParsedArgs): Promise<ProgramResult> {
  const { world } = call;
  const [target, ...more] = positionals;
  if (target === undefined) return help('query');
  if (more.length > 0) return failure('Invalid number of arguments', 'incus query with several paths');
  const place = onRemote(world, target);
  if ('exitCode' in place) return place;
  await world.clock.sleep(INCUS_CALL);
  const away = daemonAway(world);
  if (away !== undefined) return away;
  const [path = '', parameters = ''] = place.name.split('?');
  const project = new URLSearchParams(parameters).get('project') ?? 'default';
  const isProject = project === 'default' || project === projectOfAll(world);
  if (!isProject && path !== '/1.0') return failure('Project not found');
  for (const [pattern, resource] of RESOURCES) {
    const match = pattern.exec(path);
    if (match === null) continue;
    const answer = resource(world, decodeURIComponent(match[1] ?? ''));
    return 'exitCode' in answer ? answer : { exitCode: 0, stdout: `${JSON.stringify(answer, undefined, '\t')}\n\n` };
  }
  return failure('not found', `incus query ${path}`);
}

function serverView({ engine, host }: World): object {
  return {
    api_extensions: [],
    api_status: 'stable',
    api_version: '1.0',
    auth: 'trusted',
    auth_methods: ['tls'],
    auth_user_method: 'unix',
    auth_user_name: 'root',
    config: {},
    environment: {
      addresses: [],
      architectures: [KERNEL_CPU[host.cpu]],
      driver: serverOf(engine).virtualMachines ? 'lxc | qemu' : 'lxc',
      driver_version: '5.0.2',
      firewall: 'nftables',
      kernel: 'Linux',
      kernel_architecture: KERNEL_CPU[host.cpu],
      os_name: 'Debian GNU/Linux',
      os_version: '12',
      project: serverOf(engine).project ?? 'default',
      server: 'incus',
      server_clustered: serverOf(engine).targets.length > 0,
      server_name: 'vm',
      server_version: engine.version,
      storage: 'dir',
    },
    public: false,
  };
}

function profileView(world: World, name: string): object | ProgramResult {
  if (name !== 'default') return failure('Fetch profile: Profile not found');
  const { project = 'default' } = serverOf(world.engine);
  return { config: {}, description: 'Default Incus profile', devices: PROFILE(world), name, project, used_by: [] };
}

function aliasView(world: World, name: string): object | ProgramResult {
  if (findImage(world, name) === undefined) return failure('Image alias not found');
  return { description: '', name, target: 'b4917d3b6ba8a0d82d4463f74a74b648', type: 'container' };
}

function networkView(world: World, name: string): object | ProgramResult {
  const incus = serverOf(world.engine);
  if (name !== incus.bridge && name !== incus.network) return failure('Network not found');
  // Each member has its own bridge; machines on different members need a network that spans them.
  const spans = name === incus.network && new Set(incus.targets).size > 1;
  return {
    config: { 'ipv4.address': `${world.engine.subnet}.1/24`, 'ipv4.nat': 'true' },
    description: '',
    locations: incus.targets.length > 0 ? incus.targets : ['none'],
    managed: true,
    name,
    project: 'default',
    status: 'Created',
    type: spans ? 'ovn' : 'bridge',
    used_by: [],
  };
}

function networkState(world: World, name: string): object | ProgramResult {
  const network = networkView(world, name);
  if ('exitCode' in network) return network;
  const address = { address: `${world.engine.subnet}.1`, family: 'inet', netmask: '24', scope: 'global' };
  return { addresses: [address], hwaddr: '10:66:6a:07:0a:f1', mtu: 1500, state: 'up', type: 'broadcast' };
}

function memberView({ engine }: World, name: string, absent: string): object | ProgramResult {
  if (!serverOf(engine).targets.includes(name)) return failure(absent);
  return { server_name: name, status: 'Online', message: 'Fully operational' };
}
