import { ENGINE_CALL, MACHINE_PURGE } from '../../durations.ts';
import { powerOff, powerOn } from '../../guest/boot.ts';
import { erase } from '../../guest/boot.ts';
import type { Guest } from '../../guest/systemd.ts';
import type { HostCall, Instance, ProgramResult, World } from '../../world.ts';
import { isDaemonAway } from '../daemon.ts';
import { expiring, timeLimit } from './parser.ts';
import { failure, failures, spinner, usage, type ParsedArgs } from './parser.ts';

/**
 * What the commands on instances share: they select by name, all or nothing, and need the daemon
 * (docs/facts/multipass.md 3.2).
 */
async function select(
  call: HostCall,
  command: string,
  names: readonly string[],
  refuse: (instance: Instance) => string | undefined,
): Promise<readonly Instance[] | ProgramResult> {
  const { engine, clock } = call.world;
  await clock.sleep(ENGINE_CALL);
  if (isDaemonAway(call.world)) return failure(command, 'cannot connect to the multipass socket');
  const problems = names.flatMap((name) => {
    const instance = engine.instances.get(name);
    const problem = instance === undefined ? `instance "${name}" does not exist` : refuse(instance);
    return problem === undefined ? [] : [problem];
  });
  if (problems.length > 0) return failures(command, problems);
  return names.map((name) => engine.instances.get(name) as Instance);
}

function isResult(selected: readonly Instance[] | ProgramResult): selected is ProgramResult {
  return 'exitCode' in selected;
}

const isDeleted = (instance: Instance): string | undefined =>
  instance.state === 'Deleted' ? `instance "${instance.name}" is deleted` : undefined;

/** `multipass delete [--purge] NAME...` */
export async function remove(call: HostCall, { positionals, options }: ParsedArgs): Promise<ProgramResult> {
  if (positionals.length === 0) return usage('Name argument or --all is required');
  const purge = options.has('purge');
  const selected = await select(call, 'delete', positionals, ({ name, state }) =>
    !purge && state === 'Starting'
      ? `Cannot shut down instance ${name} while starting.\nUse --purge to forcefully delete it.`
      : undefined,
  );
  if (isResult(selected)) return selected;
  for (const instance of selected) {
    const runs = instance.state !== 'Deleted' && instance.state !== 'Stopped';
    CRASH_POINT: await call.world.crashPoints?.at(`delete ${instance.name}: about to erase`);
    if (purge) erase({ ...call, instance });
    else if (runs) powerOff({ ...call, instance }, 'Deleted');
    else instance.state = 'Deleted';
    await call.world.clock.sleep(purge ? MACHINE_PURGE : runs ? call.world.engine.pace.shutdown : 0);
  }
  return { exitCode: 0 };
}

/** `multipass purge`: erases all deleted machines, including those that istio-vms did not delete. */
export async function purge(call: HostCall, { positionals }: ParsedArgs): Promise<ProgramResult> {
  if (positionals.length > 0) return usage('This command takes no arguments');
  const deleted = [...call.world.engine.instances.values()].filter((instance) => instance.state === 'Deleted');
  const selected = await select(
    call,
    'purge',
    deleted.map(({ name }) => name),
    () => undefined,
  );
  if (isResult(selected)) return selected;
  for (const instance of selected) erase({ ...call, instance });
  return { exitCode: 0 };
}

/** `multipass recover NAME...` */
export async function recover(call: HostCall, { positionals }: ParsedArgs): Promise<ProgramResult> {
  if (positionals.length === 0) return usage('Name argument or --all is required');
  const selected = await select(call, 'recover', positionals, () => undefined);
  if (isResult(selected)) return selected;
  for (const instance of selected) if (instance.state === 'Deleted') instance.state = 'Stopped';
  return { exitCode: 0 };
}

/** `multipass stop NAME...` */
export async function stop(call: HostCall, { positionals }: ParsedArgs): Promise<ProgramResult> {
  const selected = await select(call, 'stop', positionals, (instance) =>
    instance.state === 'Suspended'
      ? `Cannot shut down suspended instance ${instance.name}.\nUse --force to power it off.`
      : isDeleted(instance),
  );
  if (isResult(selected)) return selected;
  for (const instance of selected) {
    if (instance.state === 'Stopped') continue;
    powerOff({ ...call, instance });
    await call.world.clock.sleep(call.world.engine.pace.shutdown);
  }
  return { exitCode: 0, stdout: spinner(`Stopping ${positionals.join(', ')}`) };
}

/** `multipass start NAME... [--timeout S]` */
export async function start(call: HostCall, { positionals, options }: ParsedArgs): Promise<ProgramResult> {
  const limit = timeLimit(options.get('timeout'));
  if (limit === 'invalid') return usage('error: --timeout value has to be a positive integer');
  const { world } = call;
  await world.clock.sleep(ENGINE_CALL);
  if (isDaemonAway(world)) return failure('start', 'cannot connect to the multipass socket');
  const missing = positionals.flatMap((name) => {
    const state = world.engine.instances.get(name)?.state;
    if (state === undefined) return [`Instance '${name}' does not exist.`];
    return state === 'Deleted' ? [`Instance '${name}' is deleted. Use 'recover' to recover it first.`] : [];
  });
  if (missing.length > 0) return failure('start', 'instance(s) missing', ...missing);
  const instances = positionals.map((name) => world.engine.instances.get(name) as Instance);
  const unknown = instances
    .filter(({ state }) => state === 'Unknown')
    .map(({ name }) => `Instance '${name}' is already running, but in an unknown state.\nTry to stop it first.`);
  if (unknown.length > 0) return failures('start', unknown);
  const stdout = spinner(`Starting ${positionals.join(', ')}`);
  const work = Promise.all(instances.map((instance) => bringBack({ ...call, instance }))).then(() => ({
    exitCode: 0,
    stdout,
  }));
  return expiring(world, limit, work, { exitCode: 5, stdout, stderr: 'Timed out waiting for instance to start.\n' });
}

/** Starts a stopped machine, or waits for one that is starting. */
export async function bringBack(guest: Guest): Promise<void> {
  const { instance, world } = guest;
  if (instance.state === 'Stopped' || instance.state === 'Suspended') {
    await powerOn(guest);
    return;
  }
  while (isOnItsWay(world, instance)) await world.clock.sleep(500);
}

function isOnItsWay({ engine }: World, instance: Instance): boolean {
  return (
    engine.instances.get(instance.name) === instance &&
    (instance.state === 'Starting' || instance.state === 'Restarting')
  );
}

/** `multipass restart NAME... [--timeout S]` */
export async function restart(call: HostCall, { positionals, options }: ParsedArgs): Promise<ProgramResult> {
  const limit = timeLimit(options.get('timeout'));
  if (limit === 'invalid') return usage('error: --timeout value has to be a positive integer');
  const selected = await select(call, 'restart', positionals, isDeleted);
  if (isResult(selected)) return selected;
  const down = selected.find(({ state }) => state !== 'Running');
  if (down !== undefined) {
    return failure(
      'restart',
      `Instance '${down.name}' is already running, but in an unknown state.`,
      'Try to stop and start it instead.',
    );
  }
  const stdout = spinner(`Restarting ${positionals.join(', ')}`);
  const work = Promise.all(
    selected.map(async (instance) => {
      const guest = { ...call, instance };
      powerOff(guest, 'Restarting');
      await call.world.clock.sleep(call.world.engine.pace.shutdown);
      await powerOn(guest, 'Restarting');
    }),
  ).then(() => ({ exitCode: 0, stdout }));
  return expiring(call.world, limit, work, {
    exitCode: 5,
    stdout,
    stderr: 'Timed out waiting for instance to restart.\n',
  });
}
