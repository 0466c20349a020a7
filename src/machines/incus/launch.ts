import { CliError } from '../../errors/cli-error.ts';
import { CommandError } from '../../system/command-error.ts';
import type { Clock, Context, Processes } from '../../system/system.ts';
import { explain } from '../../system/explain.ts';
import { createDeadline } from '../../system/deadline.ts';
import { retry } from '../../system/retry.ts';
import { awaitCloudInit, type CloudInitWay } from '../cloud-init.ts';
import { foreignMachine } from '../ownership.ts';
import * as argv from './argv.ts';
import type { IncusReadiness, IncusSettings } from './probe.ts';
import { shellHint, userCommand, type IncusPlace } from './host.ts';
import { INOTIFY_COMMAND } from './host-limits.ts';
import { asksForModules, createModuleMemory, lacksModules, type ModuleMemory } from './modules.ts';
import { launchSettings, type IncusLaunch } from './launch-settings.ts';
import { isLostSession } from '../session.ts';
import { DAEMON_ENDED } from './session.ts';
import type { EngineContext, Launched, Machine, MachineEngine, MachineInfo, MachineSpec } from '../machine.ts';

/**
 * A cluster member is ready some seconds after it starts (docs/facts/incus.md 10.1), and an image server that is away
 * for a moment answers again.
 */
const SERVER_PAUSES = [2_000, 5_000, 10_000, 15_000];
export const NOT_YET =
  /Server isn't ready yet|Failed to retrieve PID of executing child process|VM agent isn't currently running/;
/** A launch that failed in this way may succeed a moment later. */
const MAY_PASS = [NOT_YET, DAEMON_ENDED, /Failed getting remote image info/];
/**
 * A launch continues in the daemon after its client was killed. Until it is done, the instance is STOPPED and every
 * other operation on it fails with «Instance is busy running a "create" operation» (seen with 6.0.4).
 */
export const BUSY = /Instance is busy running/;
/** A container has an address two seconds after its launch; a virtual machine has to boot first. */
const ADDRESS_MS = 300_000;
const POLL_MS = 1_000;
/** A virtual machine's agent starts some time after the machine has an address, and may restart once. */
const AGENT_PAUSES = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 30_000, 30_000];

export interface IncusLauncherParts {
  readonly processes: Processes;
  readonly clock: Clock;
  readonly settings: IncusSettings;
  readonly lab: string;
  /** Machines of this lab in their order; all except the workloads run k3s. */
  readonly names: { readonly nodes: readonly string[]; readonly workloads: readonly string[] };
  readonly readiness: (context: Context) => Promise<IncusReadiness>;
  readonly list: (context: Context) => Promise<readonly MachineInfo[]>;
  /** Removes a machine without checking who owns it. */
  readonly erase: (name: string, context: Context) => Promise<void>;
  readonly start: (name: string, context: EngineContext) => Promise<void>;
  /** Starts a machine whose start failed because no kernel modules can be loaded. */
  readonly startWithoutModules: (name: string, context: EngineContext) => Promise<void>;
  readonly machine: (name: string) => Machine;
  readonly nameConflictHint: MachineEngine['nameConflictHint'];
  /** A limit of this computer that containers may exceed; read once per run. */
  readonly hostWarning: () => Promise<string | undefined>;
}

export interface IncusLauncher {
  launch(spec: MachineSpec, context: EngineContext): Promise<Launched>;
  /** Waits until a started machine has an address. */
  awaitAddress(name: string, context: EngineContext): Promise<void>;
}

/**
 * Launches machines with Incus: exit code 0 does not mean that the machine runs, and 1 does not mean that nothing was
 * created (docs/facts/incus.md 0.7).
 */
export function createIncusLauncher(parts: IncusLauncherParts): IncusLauncher {
  const { processes, clock, settings, lab, names } = parts;
  let modules: ModuleMemory | undefined;
  let warned = false;
  const find = async (name: string, context: Context): Promise<MachineInfo | undefined> =>
    (await parts.list(context)).find((each) => each.name === name);

  /**
   * Assigns cluster members round-robin by the machine's place in the lab, so that each run places a machine on the
   * same member.
   */
  const targetOf = (name: string): string | undefined => {
    const place = [...names.nodes, ...names.workloads].indexOf(name);
    return settings.targets[Math.max(place, 0) % settings.targets.length];
  };

  const wanted = ({ server, type, profile }: IncusReadiness, spec: MachineSpec): IncusLaunch => {
    const target = targetOf(spec.name);
    return launchSettings(spec, {
      lab,
      image: settings.image,
      type,
      node: !names.workloads.includes(spec.name),
      profile,
      serverVersion: server.version,
      ...(target === undefined ? {} : { target }),
      ...(settings.network === undefined ? {} : { network: settings.network }),
    });
  };

  /** One try. Returns the failure, if one was reported. */
  const tryLaunch = async (
    name: string,
    launch: IncusLaunch,
    context: EngineContext,
  ): Promise<CommandError | undefined> => {
    const { say, signal } = context;
    try {
      await retry(() => processes.run(argv.launchCommand(settings, name, launch), context), {
        clock,
        delays: SERVER_PAUSES,
        shouldRetry: (thrown) =>
          thrown instanceof CommandError && MAY_PASS.some((pattern) => pattern.test(thrown.result.stderr)),
        onRetry: () => say(`${name}: Incus is not ready yet, trying again`),
        signal,
      });
      return undefined;
    } catch (thrown) {
      if (thrown instanceof CommandError) return thrown;
      throw thrown;
    }
  };

  const bringUp = async (spec: MachineSpec, context: EngineContext): Promise<Launched> => {
    const { name } = spec;
    const ready = await parts.readiness(context);
    const kind = ready.type === 'container' ? 'container' : 'virtual machine';
    const chosen =
      settings.type === undefined
        ? ` (as a ${kind}: ${ready.type === 'container' ? 'this Incus runs no virtual machines' : 'KVM works'})`
        : '';
    if (ready.type === 'container' && !warned) {
      warned = true;
      const warning = await parts.hostWarning();
      if (warning !== undefined) context.say(`warning: ${warning}`);
    }
    modules ??= createModuleMemory(ready.server.clustered);
    for (let attempt = 1; ; attempt++) {
      const launch = modules.adapt(wanted(ready, spec));
      context.say(attempt === 1 ? `launching ${name}${chosen}` : `retrying the launch of ${name}`);
      const failure = await tryLaunch(name, launch, context);
      if (failure === undefined) return 'launched';
      const left = await find(name, context);
      if (EXISTS.test(failure.result.stderr) || BUSY.test(failure.result.stderr)) {
        // The instance was created between our check and our launch, perhaps by an earlier launch of ours whose client
        // was killed.
        if (left?.lab !== lab) throw foreignMachine({ name, ...left }, parts);
        return adopt(spec, left, context);
      }
      if (left?.state === 'running') return 'launched';
      if (asksForModules(launch) && lacksModules(failure)) {
        if (modules.note(launch)) {
          context.say(`${name}: Incus cannot load kernel modules here; continuing with the modules that are loaded`);
        }
        if (left?.lab === lab && left.state === 'stopped') {
          await parts.startWithoutModules(name, context);
          return 'launched';
        }
      }
      // A failure in the start phase leaves a stopped instance behind, which blocks the next launch.
      if (left?.lab === lab) await parts.erase(name, context);
      if (attempt === 2 || left === undefined) throw explain(failure);
    }
  };

  const awaitAddress = async (name: string, context: EngineContext): Promise<void> => {
    const { say, signal } = context;
    const deadline = createDeadline(clock, ADDRESS_MS);
    for (;;) {
      const found = await find(name, context);
      if (found?.state === 'running' && found.addresses.length > 0) return;
      // Exit code 0, but stopped a moment later: an init without cgroups, or too little memory.
      if (found === undefined || found.state === 'stopped') throw died(settings, name);
      if (deadline.left() === 0) throw noAddress(name, found);
      say(`${name}: waiting for its address`);
      await deadline.pause(POLL_MS, signal);
    }
  };

  const cloudInitOn = (name: string): CloudInitWay => ({
    clock,
    pauses: AGENT_PAUSES,
    isLost: isLostSession,
    statusCommand: shellHint(settings, name, 'cloud-init status --long'),
    failureOf: ({ result }) => (result.exitCode === 127 ? withoutCloudInit(name, settings.image) : undefined),
  });

  /**
   * Starts an existing machine. If it does not start and its first launch never finished, it holds no data and is
   * recreated.
   */
  const revive = async (spec: MachineSpec, context: EngineContext): Promise<Launched> => {
    try {
      await parts.start(spec.name, context);
      return 'found';
    } catch (thrown) {
      if (context.unfinished !== true || !(thrown instanceof CliError) || thrown.reason === 'interrupted') throw thrown;
      context.say(`${spec.name}: its first start was interrupted and does not continue; deleting it`);
      await parts.erase(spec.name, context);
      return bringUp(spec, context);
    }
  };

  /** Uses the existing instance if it belongs to this lab; otherwise it must not be touched. */
  const adopt = async (spec: MachineSpec, found: MachineInfo, context: EngineContext): Promise<Launched> => {
    if (found.lab !== lab && !(found.lab === undefined && context.ours === true)) throw foreignMachine(found, parts);
    context.say(`${found.name} already exists (${found.state})`);
    if (found.state === 'unknown') throw unreachable(found.name);
    const up = found.state === 'running' || found.state === 'starting';
    return up ? 'found' : revive(spec, context);
  };

  return {
    awaitAddress,
    async launch(spec, context) {
      const found = await find(spec.name, context);
      const launched = await (found === undefined ? bringUp(spec, context) : adopt(spec, found, context));
      await awaitAddress(spec.name, context);
      await awaitCloudInit(parts.machine(spec.name), cloudInitOn(spec.name), context);
      return launched;
    },
  };
}

/** 6.0 reports it with the error text of its database (docs/facts/incus.md 1.2). */
const EXISTS = /UNIQUE constraint failed|already exists/;

function unreachable(name: string): CliError {
  return new CliError('machine-failed', {
    message: `The instance ${name} is known to Incus, but its cluster member does not answer.`,
    hint: 'See `incus cluster list`; when the member is back, run the same command again.',
  });
}

function died(place: IncusPlace, name: string): CliError {
  return new CliError('machine-failed', {
    message: `The instance ${name} started and stopped at once.`,
    hint: `See why with \`${userCommand(place, 'info --show-log', name)}\`; too little memory is one reason, and for containers too few inotify instances on their host is another (\`${INOTIFY_COMMAND}\` there).`,
  });
}

function noAddress(name: string, { state }: MachineInfo): CliError {
  return new CliError('timed-out', {
    message: `The machine ${name} (${state}) got no address within ${ADDRESS_MS / 1000}s.`,
    hint: 'Check whether a firewall blocks DHCP on the bridge of Incus (`incus network info NAME`).',
  });
}

function withoutCloudInit(name: string, image: string): CliError {
  return new CliError('machine-failed', {
    message: `The image ${image} has no cloud-init, so the machine ${name} is not set up.`,
    hint: 'Set INCUS_IMAGE to one that has it; those of `images:` end with /cloud.',
  });
}
