import { CommandError } from '../../src/system/command-error.ts';
import type { Command, Processes } from '../../src/system/system.ts';
import { resultOf, type Answer } from './fake-processes.ts';

interface Instance {
  readonly name: string;
  readonly config: Map<string, string>;
  state: 'Stopped' | 'Running';
}

/** A host with Incus that supports launches: an instance remains even if the client that requested it is killed. */
export interface IncusWorld {
  readonly processes: Processes;
  readonly instances: Map<string, Instance>;
  /** Every command that changes something, without `--quiet`. */
  readonly changes: string[];
  /** Called at each point at which a client may be killed; an error that it throws ends the client. */
  onMoment: (point: string) => void | Promise<void>;
}

export interface IncusHost {
  /** Whether kernel modules can be loaded; otherwise an instance that requires them does not start. */
  readonly modules: boolean;
  /** Names of instances whose start fails for another reason, each once. */
  readonly failsToStart?: Set<string>;
}

const PROFILE = { devices: { root: { type: 'disk', path: '/', pool: 'p' }, eth0: { type: 'nic', network: 'n' } } };
const SERVER = { auth: 'trusted', environment: { server_version: '6.0.4', driver: 'lxc' } };
const MODULES = 'linux.kernel_modules';
const ok = (stdout = ''): Answer => ({ stdout });
const error = (text: string): Answer => ({ exitCode: 1, stderr: `Error: ${text}` });

export function incusWorld(host: IncusHost): IncusWorld {
  const instances = new Map<string, Instance>();
  const changes: string[] = [];

  /** The daemon checks modules when an instance starts, not when it is created; if the start fails, it remains, stopped. */
  const start = (instance: Instance): Answer => {
    if (instance.state === 'Running') return error('The instance is already running');
    if (instance.config.has(MODULES) && !host.modules) {
      return error(
        `Failed to load kernel module 'br_netfilter': Failed to run: modprobe -b br_netfilter: exit status 1`,
      );
    }
    if (host.failsToStart?.delete(instance.name) === true) {
      return error(`Failed to run: /usr/libexec/incus/incusd forkstart ${instance.name}: exit status 1`);
    }
    instance.state = 'Running';
    return ok();
  };

  /** A launch is a creation and a start, each requested by the client. */
  const launch = async ({ args, stdin }: Command): Promise<Answer> => {
    const name = args[3] ?? '';
    if (instances.has(name)) return error(`Failed instance creation: Instance "${name}" already exists`);
    const given = JSON.parse(stdin as string) as { config: Record<string, string> };
    const instance: Instance = { name, config: new Map(Object.entries(given.config)), state: 'Stopped' };
    instances.set(name, instance);
    await world.onMoment(`launch ${name}: created`);
    return start(instance);
  };

  const query = (path: string): Answer => {
    if (path === '/1.0') return ok(JSON.stringify(SERVER));
    if (path === '/1.0/profiles/default') return ok(JSON.stringify(PROFILE));
    if (path === '/1.0/networks/n') return ok('{"type":"bridge","managed":true}');
    if (path === '/1.0/networks/n/state') return ok('{}');
    return error('Not Found');
  };

  const list = (): Answer =>
    ok(
      JSON.stringify(
        [...instances.values()].map(({ name, config, state }, index) => ({
          name,
          status_code: state === 'Running' ? 103 : 102,
          config: Object.fromEntries(config),
          state: {
            network:
              state === 'Running'
                ? {
                    eth0: {
                      hwaddr: 'x',
                      addresses: [{ family: 'inet', scope: 'global', address: `10.0.0.${index + 2}` }],
                    },
                  }
                : null,
          },
        })),
      ),
    );

  const exec = ({ args }: Command): Answer => {
    const [, , name = ''] = args;
    if (instances.get(name)?.state !== 'Running') return error('Instance is not running');
    const words = args.slice(args.lastIndexOf('sh') + 2).join(' ');
    if (words === 'cloud-init status --wait') return { stdout: 'status: done\u001e', stderr: '\u001e\u001e' };
    throw new Error(`no reply is defined for the guest command: ${words}`);
  };

  const answer = async (command: Command): Promise<Answer> => {
    const [verb = '', , ...rest] = command.args;
    const [first = '', second = ''] = rest.filter((word) => word !== '--force');
    const found = instances.get(verb === 'config' ? second : first);
    if (verb === 'launch') return launch(command);
    if (verb === 'list') return list();
    if (verb === 'alias') return ok('{}');
    if (verb === 'query') return query(first);
    if (verb === 'exec') return exec(command);
    if (found === undefined) return error('Failed to fetch instance: Instance not found');
    if (verb === 'start') return start(found);
    if (verb === 'delete') {
      instances.delete(found.name);
      return ok();
    }
    const key = rest.at(-1) ?? '';
    if (verb === 'config' && first === 'unset') {
      if (!found.config.delete(key)) return error(`Can't unset key '${key}', it's not currently set`);
      return ok();
    }
    throw new Error(`no reply is defined for: incus ${command.args.join(' ')}`);
  };

  const world: IncusWorld = {
    instances,
    changes,
    onMoment: () => undefined,
    processes: {
      run: async (command) => {
        const shown = command.args.filter((word) => word !== '--quiet').join(' ');
        if (command.effect === 'write') {
          changes.push(shown);
          await world.onMoment(`before ${shown}`);
        }
        const given = await answer(command);
        if (command.effect === 'write') await world.onMoment(`after ${shown}`);
        const result = resultOf(given);
        if (result.exitCode !== 0) throw new CommandError(command, 'exit', result);
        return result;
      },
    },
  };
  return world;
}
