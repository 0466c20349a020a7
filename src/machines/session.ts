import { CliError } from '../errors/cli-error.ts';
import type { KnownIssue } from '../errors/known-issue.ts';
import { CommandError } from '../system/command-error.ts';
import { explain } from '../system/explain.ts';
import { retry } from '../system/retry.ts';
import type { Clock, Command, CommandResult, Cpu, Files, Processes, System, Context } from '../system/system.ts';
import type { Machine } from './machine.ts';
import { putFiles, type PlaceScript } from './put.ts';

/** The same programs; a failure carries this engine's known error messages, so that it can be explained anywhere. */
export function withIssues(processes: Processes, issues: readonly KnownIssue[]): Processes {
  return {
    run: async (...call) => {
      try {
        return await processes.run(...call);
      } catch (thrown) {
        if (!(thrown instanceof CommandError)) throw thrown;
        const { command, failure, result, cause } = thrown;
        throw new CommandError(command, failure, result, { cause, issues });
      }
    },
  };
}

/** A daemon that has just started or restarted answers after some seconds; one that is down stays down. */
export const DAEMON_PAUSES = [2_000, 4_000, 8_000];

/** The same programs; a command is retried while `isAway` says that the engine's daemon did not serve it. */
export function withDaemonRetry(
  processes: Processes,
  clock: Clock,
  isAway: (error: CommandError) => boolean,
): Processes {
  return {
    run: (command, context) =>
      retry(() => processes.run(command, context), {
        clock,
        delays: DAEMON_PAUSES,
        signal: context.signal,
        shouldRetry: (thrown) => thrown instanceof CommandError && thrown.failure === 'exit' && isAway(thrown),
      }),
  };
}

/** Exit code for a command that never started, or whose progress is unknown, as with ssh. */
export const SESSION_LOST_EXIT = 255;

/**
 * Whether the session was lost or could not be opened: each engine reports it with this exit code, as ssh does. How far
 * the command came is unknown; a command that is safe to repeat is retried.
 */
export function isLostSession({ failure, result }: CommandError): boolean {
  return failure === 'exit' && result.exitCode === SESSION_LOST_EXIT;
}

interface MachineCacheParts {
  readonly system: Pick<System, 'files' | 'clock'>;
  readonly place: PlaceScript;
  readonly runOn: (name: string, command: Command, context: Context) => Promise<CommandResult>;
  readonly addressOf: (name: string, context: Context) => Promise<string>;
  /** Makes a new session possible after a lost one, e.g. starts a machine that was stopped. */
  readonly reopen?: (name: string, context: Context) => Promise<void>;
}

export interface MachineCache {
  /** Returns the same object for the same name, so that what it cached (the CPU) is read only once. */
  readonly machine: (name: string) => Machine;
  /** Call this when the name may belong to another machine from now on. */
  readonly forget: (name: string) => void;
}

/** The machines of an engine, built on its function to run commands on them. */
export function createMachineCache({ system, place, runOn, addressOf, reopen }: MachineCacheParts): MachineCache {
  const machines = new Map<string, Machine>();
  const make = (name: string): Machine =>
    withSessionRetry(
      createRemoteMachine({
        name,
        run: (command, context) => runOn(name, command, context),
        address: (context) => addressOf(name, context),
        files: system.files,
        place,
      }),
      system.clock,
      reopen,
    );
  return {
    machine: (name) => {
      const machine = machines.get(name) ?? make(name);
      machines.set(name, machine);
      return machine;
    },
    forget: (name) => void machines.delete(name),
  };
}

/** A machine that restarts is back within these delays (milliseconds). */
const PAUSES = [5_000, 15_000];

/**
 * The machine, with a `put` that is retried in a new session after a lost one: putting the same files again is safe.
 * `reopen` runs before each retry.
 */
export function withSessionRetry(machine: Machine, clock: Clock, reopen?: MachineCacheParts['reopen']): Machine {
  return {
    ...machine,
    put: (files, script, context) => {
      let isLost = false;
      const attempt = async (): ReturnType<Machine['put']> => {
        if (isLost) await reopen?.(machine.name, context);
        return machine.put(files, script, context);
      };
      return retry(attempt, {
        clock,
        delays: PAUSES,
        signal: context.signal,
        shouldRetry: (thrown) => thrown instanceof CommandError && isLostSession(thrown),
        onRetry: () => {
          isLost = true;
          context.say('the session was lost; retrying in a new one');
        },
      });
    },
  };
}

/** The parts that differ by engine; the rest of a machine is the same everywhere. */
interface RemoteMachineParts {
  readonly name: string;
  /** Runs on the machine as its ordinary user. @throws CommandError */
  run(command: Command, context: Context): Promise<CommandResult>;
  address(context: Context): Promise<string>;
  readonly files: Pick<Files, 'stat'>;
  readonly place: PlaceScript;
}

const CPUS: Readonly<Record<string, Cpu>> = { x86_64: 'amd64', aarch64: 'arm64', arm64: 'arm64' };

/** Builds a machine on an engine's function to run commands. */
function createRemoteMachine(parts: RemoteMachineParts): Machine {
  let arch: Promise<Cpu> | undefined;
  return {
    name: parts.name,
    run: (command, context) => parts.run(command, context),
    address: (context) => parts.address(context),
    arch: (context) => {
      arch ??= askArch(parts, context).catch((thrown: unknown) => {
        arch = undefined;
        throw thrown instanceof CommandError ? explain(thrown) : thrown;
      });
      return arch;
    },
    put: (files, script, context) => putFiles(parts, files, script, context),
  };
}

async function askArch(parts: RemoteMachineParts, context: Context): Promise<Cpu> {
  const { stdout } = await parts.run({ file: 'uname', args: ['-m'], effect: 'read' }, context);
  const cpu = CPUS[stdout.trim()];
  if (cpu !== undefined) return cpu;
  throw new CliError('wrong-architecture', {
    message: `The machine ${parts.name} has a CPU that Istio does not support: ${stdout.trim()}.`,
    hint: 'Use machines with amd64 or arm64.',
  });
}
