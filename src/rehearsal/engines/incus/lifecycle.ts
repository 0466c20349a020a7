import { ADDRESS_LATE } from '../../durations.ts';
import { INCUS_CALL, INCUS_DELETE } from './durations.ts';
import { consumeFault, isFaultOn } from '../../fault-state.ts';
import { powerOff, powerOn } from '../../guest/boot.ts';
import { firstCloudInit } from '../../guest/cloud-init.ts';
import type { Guest } from '../../guest/systemd.ts';
import type { HostCall, Instance, ProgramResult, World } from '../../world.ts';
import type { ParsedArgs } from '../arguments.ts';
import { erase } from '../../guest/boot.ts';
import { daemonAway, failure, help } from './answers.ts';
import { absence, busyWith, factsOf, named, projectOf, type IncusFacts } from './instances.ts';

/** liblxc settings that the simulation knows; with any other, a container is created but does not start. */
const LXC_KEYS = /^lxc\.(apparmor\.profile|cap\.drop|mount\.auto|cgroup2?\.devices\.allow)=/;

/** The single instance that a command names; behavior with several differs by version (docs/facts/incus.md 5.2). */
async function selected(call: HostCall, parsed: ParsedArgs, command: string): Promise<Instance | ProgramResult> {
  const [target, ...more] = parsed.positionals;
  if (target === undefined) return help(command);
  if (more.length > 0) return failure('one at a time', `incus ${command} with several names`);
  await call.world.clock.sleep(INCUS_CALL);
  return daemonAway(call.world) ?? named(call, parsed, target);
}

/** `incus start NAME` */
export async function start(call: HostCall, parsed: ParsedArgs): Promise<ProgramResult> {
  const instance = await selected(call, parsed, 'start');
  if ('exitCode' in instance) return instance;
  const busy = busyWith(instance);
  if (busy !== undefined) return busy;
  if (instance.state === 'Suspended') {
    instance.state = 'Running';
    return { exitCode: 0 };
  }
  if (instance.state !== 'Stopped') return failure('The instance is already running');
  return (await boot({ ...call, instance })) ?? { exitCode: 0 };
}

/**
 * Starts an instance; returns the failure, if any. On return a container is up and a virtual machine is still booting;
 * cloud-init of the first boot continues in the background.
 */
export async function boot(guest: Guest): Promise<ProgramResult | undefined> {
  const { world, instance } = guest;
  const facts = factsOf(instance);
  const problem = startProblem(world, instance.name, facts);
  if (problem !== undefined) {
    await world.clock.sleep(INCUS_CALL);
    return failure(problem);
  }
  const { firstBoot } = facts;
  instance.addressKnown = false;
  const up = powerOn(guest).then(async (isUp) => {
    if (!isUp) return;
    const { bootId } = instance;
    const late = consumeFault(world, 'address-late');
    world.clock.after(late ? ADDRESS_LATE : world.engine.pace.address, () => {
      if (instance.bootId === bootId) instance.addressKnown = true;
    });
    if (firstBoot === undefined) return;
    delete facts.firstBoot;
    void firstCloudInit(guest, firstBoot, powerOff);
  });
  if (facts.type === 'container') await up;
  return undefined;
}

/** Why an instance is created but does not start (docs/facts/incus.md 1.3). */
function startProblem(world: World, name: string, { config }: IncusFacts): string | undefined {
  const lines = (config.get('raw.lxc') ?? '').split('\n').filter((line) => line !== '');
  if (lines.some((line) => !LXC_KEYS.test(line))) {
    return `Failed to load config file "/run/incus/${name}/lxc.conf": loading config file for the container failed`;
  }
  if (config.has('linux.kernel_modules') && isFaultOn(world, 'kernel-modules-missing')) {
    return `Failed to load kernel module 'br_netfilter': Failed to run: modprobe -b br_netfilter: exec: "modprobe": executable file not found in $PATH`;
  }
  return undefined;
}

/** `incus stop NAME [--force]` */
export async function stop(call: HostCall, parsed: ParsedArgs): Promise<ProgramResult> {
  const instance = await selected(call, parsed, 'stop');
  if ('exitCode' in instance) return instance;
  return halt({ ...call, instance });
}

async function halt(guest: Guest): Promise<ProgramResult> {
  const { instance, world } = guest;
  const busy = busyWith(instance);
  if (busy !== undefined) return busy;
  if (instance.state === 'Stopped') return failure('The instance is already stopped');
  const facts = factsOf(instance);
  facts.busy = 'stop';
  powerOff(guest);
  await world.clock.sleep(world.engine.pace.shutdown);
  delete facts.busy;
  return { exitCode: 0 };
}

/** `incus restart NAME [--force]` */
export async function restart(call: HostCall, parsed: ParsedArgs): Promise<ProgramResult> {
  const instance = await selected(call, parsed, 'restart');
  if ('exitCode' in instance) return instance;
  const halted = await halt({ ...call, instance });
  if (halted.exitCode !== 0) return halted;
  return (await boot({ ...call, instance })) ?? { exitCode: 0 };
}

/**
 * `incus delete NAME [--force]`: `--force` stops it first; a missing instance is still an error (docs/facts/incus.md
 * 5.1).
 */
export async function remove(call: HostCall, parsed: ParsedArgs): Promise<ProgramResult> {
  const instance = await selected(call, parsed, 'delete');
  if ('exitCode' in instance) {
    const [target = ''] = parsed.positionals;
    const isAbsent = instance.stderr?.includes('Instance not found') === true;
    if (!isAbsent) return instance;
    const full = target.includes(':') ? target : `local:${target}`;
    const name = full.slice(full.indexOf(':') + 1);
    return failure(`Failed checking instance exists "${full}": ${absence(name, projectOf(parsed))}`);
  }
  const busy = busyWith(instance);
  if (busy !== undefined) return busy;
  if (instance.state !== 'Stopped' && !parsed.options.has('force')) {
    return failure('The instance is currently running, stop it first or pass --force');
  }
  CRASH_POINT: await call.world.crashPoints?.at(`delete ${instance.name}: about to erase`);
  erase({ ...call, instance });
  await call.world.clock.sleep(INCUS_DELETE);
  return { exitCode: 0 };
}

/** `incus config unset NAME KEY` */
export async function config(call: HostCall, parsed: ParsedArgs): Promise<ProgramResult> {
  const [verb, target, key, ...more] = parsed.positionals;
  if (verb !== 'unset' || target === undefined || key === undefined || more.length > 0) {
    return failure(
      `unknown command "${verb ?? ''}" for "incus config"`,
      `incus config ${parsed.positionals.join(' ')}`,
    );
  }
  await call.world.clock.sleep(INCUS_CALL);
  const instance = daemonAway(call.world) ?? named(call, parsed, target);
  if ('exitCode' in instance) return instance;
  const busy = busyWith(instance);
  if (busy !== undefined) return busy;
  if (!factsOf(instance).config.delete(key)) {
    return failure(`Can't unset key '${key}', it's not currently set`);
  }
  return { exitCode: 0 };
}
