import { CliError } from '../../errors/cli-error.ts';
import { CommandError } from '../../system/command-error.ts';
import type { Command, CommandResult, Context } from '../../system/system.ts';
import { explain } from '../../system/explain.ts';
import { createDeadline } from '../../system/deadline.ts';
import { retry } from '../../system/retry.ts';
import { managementAddress } from '../addresses.ts';
import { createMachineCache, DAEMON_PAUSES, withDaemonRetry, withIssues } from '../session.ts';
import type { MachineEngine, MachineInfo } from '../machine.ts';
import type { EngineParts } from '../definition.ts';
import * as argv from './argv.ts';
import { parseInfo, parseList, parseVersion } from './json.ts';
import { MULTIPASS_REQUIREMENT, nameConflictHint, restartHint, shellHint, START_SERVICE } from './host.ts';
import { MULTIPASS_ISSUES } from './issues.ts';
import { createLauncher } from './launch.ts';
import { asInner, isLost, withoutMark } from './session.ts';

/** How long a running machine may take to get an address from the engine's DHCP server. */
const ADDRESS_MS = 60_000;
const ADDRESS_POLL_MS = 2_000;

/** A read can be retried safely after a lost session. */
const LOST_PAUSES = [1_000, 4_000];

/** Multipass through its command line, following the ten rules of docs/facts/multipass.md. */
export function createMultipass({
  system,
  place,
  onLost,
}: Pick<EngineParts, 'system' | 'place' | 'onLost'>): MachineEngine {
  const { clock } = system;
  const once = withIssues(system.processes, MULTIPASS_ISSUES);
  const processes = withDaemonRetry(once, clock, isAway);
  const addresses = new Map<string, string>();

  /** Runs a command of the engine itself and explains its failure. */
  const ask = async (command: Command, context: Context): Promise<CommandResult> => {
    try {
      return await processes.run(command, context);
    } catch (thrown) {
      throw thrown instanceof CommandError ? explain(thrown) : thrown;
    }
  };

  const list = async (context: Context): Promise<readonly MachineInfo[]> =>
    parseList((await ask(argv.listCommand(), context)).stdout);

  /** The machine's info; undefined if the instance does not exist. */
  const info = async (name: string, context: Context): Promise<MachineInfo | undefined> => {
    try {
      return parseInfo((await processes.run(argv.infoCommand(name), context)).stdout, name);
    } catch (thrown) {
      if (thrown instanceof CommandError && isAbsence(thrown)) return undefined;
      throw thrown instanceof CommandError ? explain(thrown) : thrown;
    }
  };

  const runOn = async (name: string, command: Command, context: Context): Promise<CommandResult> => {
    const session = (): Promise<CommandResult> => processes.run(argv.execCommand(name, command), context);
    try {
      return withoutMark(
        await retry(session, {
          clock,
          delays: command.effect === 'read' ? LOST_PAUSES : [],
          signal: context.signal,
          shouldRetry: (thrown) => thrown instanceof CommandError && isLost(thrown),
        }),
      );
    } catch (thrown) {
      if (!(thrown instanceof CommandError)) throw thrown;
      if (isLost(thrown)) {
        addresses.delete(name);
        onLost?.();
      }
      throw asInner(thrown);
    }
  };

  const addressOf = async (name: string, context: Context): Promise<string> => {
    const before = addresses.get(name);
    if (before !== undefined) return before;
    const address = await findAddress(name, context);
    addresses.set(name, address);
    return address;
  };

  const findAddress = async (name: string, context: Context): Promise<string> => {
    const deadline = createDeadline(clock, ADDRESS_MS);
    for (let looks = 1; ; looks++) {
      const all = await list(context);
      const own = all.find((each) => each.name === name);
      if (own?.state !== 'running') throw notRunning(name, own);
      const others = all.filter((each) => each !== own).flatMap((each) => each.addresses);
      const address = managementAddress(own.addresses, others);
      if (address !== undefined) return address;
      if (deadline.left() === 0) throw noAddress(name);
      if (looks === 1) context.say(`${name} has no address yet; waiting for it`);
      await deadline.pause(ADDRESS_POLL_MS, context.signal);
    }
  };

  const known = createMachineCache({ system, place, runOn, addressOf });

  /**
   * The address is usually different for a new machine, and may change after a restart (docs/facts/multipass.md 5, 7
   * no. 6).
   */
  const forget = (name: string): void => {
    addresses.delete(name);
    known.forget(name);
  };

  const remove = async (name: string, context: Context): Promise<void> => {
    forget(name);
    try {
      await processes.run(argv.removeCommand(name), context);
    } catch (thrown) {
      if (!(thrown instanceof CommandError)) throw thrown;
      if (!isAbsence(thrown)) throw explain(thrown);
    }
  };

  const launcher = createLauncher({ processes: once, clock, list, info, remove, machine: known.machine });

  return {
    name: 'multipass',
    probe: async (context) => {
      const look = async (): Promise<{ readonly version: string }> => {
        const { client, daemon } = parseVersion((await ask(argv.versionCommand(), context)).stdout);
        if (daemon === undefined) throw notAnswering(client);
        return { version: client };
      };
      const shouldRetry = (thrown: unknown): boolean =>
        thrown instanceof CliError && thrown.reason === 'engine-unavailable';
      return retry(look, { clock, delays: DAEMON_PAUSES, shouldRetry, signal: context.signal });
    },
    list,
    launch: async (spec, context) => {
      forget(spec.name);
      const launched = await launcher.launch(spec, context);
      // The address is read now, before a container network on the machine makes it ambiguous (docs/facts/multipass.md
      // 7 no. 5).
      await addressOf(spec.name, context);
      return launched;
    },
    start: async (name, context) => {
      forget(name);
      context.say(`starting ${name}`);
      try {
        await processes.run(argv.startCommand(name), context);
      } catch (thrown) {
        // As with a launch, a start may report a time-out although it succeeded.
        if (!(thrown instanceof CommandError)) throw thrown;
        if (thrown.failure === 'aborted' || (await info(name, context))?.state !== 'running') throw explain(thrown);
      }
      await addressOf(name, context);
    },
    stop: async (name, context) => {
      // Its address may be different after the next start.
      forget(name);
      context.say(`stopping ${name}`);
      try {
        await processes.run(argv.stopCommand(name), context);
      } catch (thrown) {
        if (!(thrown instanceof CommandError)) throw thrown;
        // A suspended machine does not run, and a start resumes it.
        if (!/Cannot shut down suspended instance/.test(thrown.result.stderr)) throw explain(thrown);
      }
    },
    remove: async (name, context) => {
      context.say(`deleting ${name}`);
      await remove(name, context);
    },
    machine: known.machine,
    nameConflictHint,
    shellHint,
    restartHint,
    issues: MULTIPASS_ISSUES,
    requirement: MULTIPASS_REQUIREMENT,
  };
}

/** Whether a request did not reach the daemon, e.g. while it restarts. */
function isAway({ result }: CommandError): boolean {
  return /cannot connect to the multipass socket/i.test(result.stderr);
}

/** The error text for «no such instance» of every command except `start` (docs/facts/multipass.md 3.2). */
function isAbsence(error: CommandError): boolean {
  return error.failure === 'exit' && /instance "[^"]+" does not exist/.test(error.result.stderr);
}

function notAnswering(version: string): CliError {
  return new CliError('engine-unavailable', {
    message: `Multipass ${version} is installed, but its service does not answer.`,
    hint: START_SERVICE,
  });
}

function notRunning(name: string, info: MachineInfo | undefined): CliError {
  return new CliError('machine-failed', {
    message:
      info === undefined
        ? `There is no machine ${name}.`
        : `The machine ${name} is not running (${info.state}), so it has no address.`,
    hint: 'Run `istio-vms up`: it creates what is missing and starts what is stopped.',
  });
}

function noAddress(name: string): CliError {
  return new CliError('timed-out', {
    message: `The machine ${name} runs, but got no address within ${ADDRESS_MS / 1000}s.`,
    hint: `Restart it (\`${restartHint(name)}\`), and check whether a VPN or firewall blocks DHCP on the bridge of Multipass.`,
  });
}
