import { CliError } from '../errors/cli-error.ts';
import type { KnownIssue } from '../errors/known-issue.ts';
import { CommandError } from '../system/command-error.ts';
import { explain } from '../system/explain.ts';
import { retry } from '../system/retry.ts';
import type { Clock, Command, CommandResult, Cpu, Files, Processes, System, Context } from '../system/system.ts';
import type { Machine } from './machine.ts';
import { putFiles, type PlaceScript } from './put.ts';

/** The same programs; a failure carries what this engine is known to say, so that it can be explained anywhere. */
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

/** What a command ends with that never began, or of which nobody knows how far it came: as with ssh. */
export const SESSION_LOST_EXIT = 255;

/**
 * The way to the machine broke off, or could not be opened: ssh's own exit code, or the client's words
 * (docs/facts/multipass.md 1.2). Nobody knows how far the command came; what may be run twice is run again.
 */
export function isLostSession({ failure, result }: CommandError): boolean {
  if (failure !== 'exit' || NOT_THERE.test(result.stderr)) return false;
  return result.exitCode === SESSION_LOST_EXIT || /^exec failed: ssh/m.test(result.stderr);
}

/** A machine that is not there will not be there for the next session either. */
const NOT_THERE = /^instance "[^"]+" (?:does not exist|is deleted)|: Instance not found$/m;

interface MachineCacheParts {
  readonly system: Pick<System, 'files' | 'clock'>;
  readonly place: PlaceScript;
  readonly runOn: (name: string, command: Command, context: Context) => Promise<CommandResult>;
  readonly addressOf: (name: string, context: Context) => Promise<string>;
}

export interface MachineCache {
  /** The same for the same name, so that what it found out (its CPU) is asked once. */
  readonly machine: (name: string) => Machine;
  /** Another machine may stand under that name from now on. */
  readonly forget: (name: string) => void;
}

/** The machines of an engine, out of its way to run commands on them. */
export function createMachineCache({ system, place, runOn, addressOf }: MachineCacheParts): MachineCache {
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

/** A machine that restarts is back within these; one that was stopped is started by the next session. */
const PAUSES = [5_000, 15_000];

/** The machine, but what is put goes on in a new session when one broke off: putting again what is there does no harm. */
export function withSessionRetry(machine: Machine, clock: Clock): Machine {
  return {
    ...machine,
    put: (files, script, context) =>
      retry(() => machine.put(files, script, context), {
        clock,
        delays: PAUSES,
        signal: context.signal,
        shouldRetry: (thrown) => thrown instanceof CommandError && isLostSession(thrown),
        onRetry: () => context.say('the session was lost; retrying in a new one'),
      }),
  };
}

/** What an engine brings; the rest of a machine is the same everywhere. */
interface RemoteMachineParts {
  readonly name: string;
  /** Runs on the machine as its ordinary user. @throws CommandError */
  run(command: Command, context: Context): Promise<CommandResult>;
  address(context: Context): Promise<string>;
  readonly files: Pick<Files, 'stat'>;
  readonly place: PlaceScript;
}

const CPUS: Readonly<Record<string, Cpu>> = { x86_64: 'amd64', aarch64: 'arm64', arm64: 'arm64' };

/** A machine out of an engine's way to run commands on it. */
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
    message: `The machine ${parts.name} has a CPU that Istio is not made for: ${stdout.trim()}.`,
    hint: 'Use machines with amd64 or arm64.',
  });
}
