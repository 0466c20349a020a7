import type { KnownIssue } from '../errors/known-issue.ts';
import type { ToolRequirement } from '../tools/requirements.ts';
import type { Command, Cpu, FileInput, Processes, Context } from '../system/system.ts';

/** A file on its way onto a machine. Content never stands in an argument or a log. */
export interface GuestFile {
  /** Absolute path on the machine. */
  readonly path: string;
  readonly content: string | Uint8Array | FileInput;
  /** Permission bits, e.g. 0o600. */
  readonly mode: number;
  /** User and group names on the machine; default root and root. */
  readonly owner?: string;
  readonly group?: string;
}

/** A script shipped in `data/guest`, run as root on the machine after files are in place. */
export interface GuestScript {
  /** File name in `data/guest`, e.g. `k3s-start.sh`. */
  readonly name: string;
  /** The script's text, as shipped. */
  readonly text: string;
  readonly args: readonly string[];
}

export interface PutResult {
  /** Paths whose content, owner or mode were not yet so. */
  readonly changed: readonly string[];
  /** What the script printed. */
  readonly stdout: string;
}

/**
 * A machine is a runner in a place: what runs here and what runs there is the same call. Commands run as an ordinary
 * user who may `sudo`.
 */
export interface Machine extends Processes {
  readonly name: string;
  /** The management address (IPv4). @throws CliError when it has none yet. */
  address(context: Context): Promise<string>;
  arch(context: Context): Promise<Cpu>;
  /**
   * Puts files in place as root, atomically each, only where they differ, then runs the script: one remote call.
   * Environment `CHANGED` of the script holds the changed paths, a line each.
   */
  put(files: readonly GuestFile[], script: GuestScript | undefined, context: PutContext): Promise<PutResult>;
}

export interface PutContext extends Context {
  readonly timeoutMs?: number;
}

export type MachineState = 'running' | 'starting' | 'stopped' | 'suspended' | 'deleted' | 'unknown';

export interface MachineInfo {
  readonly name: string;
  readonly state: MachineState;
  /** Usable IPv4 literals in the engine's order; placeholders such as `N/A` are left out. */
  readonly addresses: readonly string[];
  /** The lab that the engine's own label names, null without a label; absent where the engine keeps no labels or cannot tell. */
  readonly lab?: string | null;
}

/** A machine of which perhaps nothing but the name is known. */
export type NamedMachine = Pick<MachineInfo, 'name'> & Partial<MachineInfo>;

export interface MachineSpec {
  readonly name: string;
  /** Ubuntu release, e.g. `22.04`. */
  readonly release: string;
  readonly cpus: number;
  /** In the engine's size grammar, e.g. `1G`. */
  readonly memory: string;
  readonly disk: string;
  /** cloud-init user data as an object; it is serialized by the engine. */
  readonly cloudInit: Readonly<Record<string, unknown>>;
}

export interface EngineContext extends Context {
  /**
   * The name is known to be ours: a machine that already has it, or gets it meanwhile by an earlier run's launch, is
   * waited for, and not taken for somebody else's.
   */
  readonly ours?: boolean;
  /** Its launch was never seen to its end: it holds nothing yet, and may be made anew when it does not come up. */
  readonly unfinished?: boolean;
}

/**
 * How a machine came up: by a launch of this call, or by an earlier one, perhaps somebody else's. What was found bears
 * our mark or is not ours.
 */
export type Launched = 'launched' | 'found';

/** Makes and unmakes machines. Another engine is one new folder, and one line in the map of `index.ts`. */
export interface MachineEngine {
  readonly name: string;
  /** What the preflight runs: the tool's version, and that it answers. @throws CliError `tool-missing`, `tool-too-old`, `engine-unavailable` */
  probe(context: Context): Promise<{ readonly version: string }>;
  /** Every instance of the user, ours or not. One command. */
  list(context: Context): Promise<readonly MachineInfo[]>;
  /**
   * Launches and waits until cloud-init is done. A launch that reports a failure and in truth succeeded counts as a
   * success; the outcome is looked up, not believed.
   */
  launch(spec: MachineSpec, context: EngineContext): Promise<Launched>;
  /** Starts a stopped machine. */
  start(name: string, context: EngineContext): Promise<void>;
  /** Stops a machine in good order; its files stay. One that is stopped already is fine. */
  stop(name: string, context: EngineContext): Promise<void>;
  /** Removes exactly this machine, for good; absent is fine. */
  remove(name: string, context: EngineContext): Promise<void>;
  machine(name: string): Machine;
  /** How a person frees the name of a machine that is not ours, with this engine's own commands; stands after "or". */
  nameConflictHint(machine: NamedMachine): string;
  /** What a person types to run a command on a machine of this engine. */
  shellHint(name: string, command: string): string;
  /** What a person types to restart a machine. */
  restartHint(name: string): string;
  /** What its program is known to say when something goes wrong. */
  readonly issues: readonly KnownIssue[];
  /** The program that has to be installed. */
  readonly requirement: ToolRequirement;
}

/** The command as root on the machine. */
export function asRoot(command: Command): Command {
  return { ...command, file: 'sudo', args: [command.file, ...command.args] };
}
