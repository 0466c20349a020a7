import type { KnownIssue } from '../errors/known-issue.ts';
import type { ToolRequirement } from '../tools/requirements.ts';
import type { Command, Cpu, FileInput, Processes, Context } from '../system/system.ts';

/** A file to write to a machine. Its content never appears in an argument or a log. */
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

/** A script shipped in `data/guest`, run as root on the machine after the files are in place. */
export interface GuestScript {
  /** File name in `data/guest`, e.g. `k3s-start.sh`. */
  readonly name: string;
  /** The script's text, as shipped. */
  readonly text: string;
  readonly args: readonly string[];
}

export interface PutResult {
  /** Paths whose content, owner or mode was changed. */
  readonly changed: readonly string[];
  /** Output of the script. */
  readonly stdout: string;
}

/**
 * A machine runs commands through the same interface as this computer. Commands run as an ordinary user who may `sudo`.
 */
export interface Machine extends Processes {
  readonly name: string;
  /** The management address (IPv4). @throws CliError when it has none yet. */
  address(context: Context): Promise<string>;
  arch(context: Context): Promise<Cpu>;
  /**
   * Writes files as root, each atomically and only if it differs, then runs the script: one remote call. The
   * environment variable `CHANGED` of the script holds the changed paths, one per line.
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
  /** Valid IPv4 literals in the engine's order; placeholders such as `N/A` are left out. */
  readonly addresses: readonly string[];
  /**
   * The lab in the engine's own label; null if there is no label, absent if the engine has no labels or cannot read it.
   */
  readonly lab?: string | null;
}

/** A machine of which perhaps only the name is known. */
export type NamedMachine = Pick<MachineInfo, 'name'> & Partial<MachineInfo>;

export interface MachineSpec {
  readonly name: string;
  /** Ubuntu release, e.g. `22.04`. */
  readonly release: string;
  readonly cpus: number;
  /** In the engine's size format, e.g. `1G`. */
  readonly memory: string;
  readonly disk: string;
  /** cloud-init user data as an object; the engine serializes it. */
  readonly cloudInit: Readonly<Record<string, unknown>>;
}

export interface EngineContext extends Context {
  /**
   * The name is known to belong to this lab: a machine that already has it, or gets it from a launch of an earlier run,
   * is waited for and not treated as foreign.
   */
  readonly ours?: boolean;
  /** Its launch never completed: it holds no data, and may be recreated when it does not come up. */
  readonly unfinished?: boolean;
}

/**
 * How a machine came up: launched by this call, or found, i.e. launched earlier, perhaps by someone else. A machine
 * that was found either has our marker or is foreign.
 */
export type Launched = 'launched' | 'found';

/** Creates and deletes machines. Another engine is one new folder, and one line in the map of `index.ts`. */
export interface MachineEngine {
  readonly name: string;
  /**
   * Used by the preflight: checks the tool's version and that it answers. @throws CliError `tool-missing`,
   * `tool-too-old`, `engine-unavailable`
   */
  probe(context: Context): Promise<{ readonly version: string }>;
  /** All instances of the user, including those of other labs. One command. */
  list(context: Context): Promise<readonly MachineInfo[]>;
  /**
   * Launches and waits until cloud-init is done. The result is verified instead of trusted: a launch that reports a
   * failure although it succeeded counts as a success.
   */
  launch(spec: MachineSpec, context: EngineContext): Promise<Launched>;
  /** Starts a stopped machine. */
  start(name: string, context: EngineContext): Promise<void>;
  /** Shuts a machine down cleanly; its files stay. One that is already stopped is fine. */
  stop(name: string, context: EngineContext): Promise<void>;
  /** Deletes exactly this machine, permanently; absent is fine. */
  remove(name: string, context: EngineContext): Promise<void>;
  machine(name: string): Machine;
  /**
   * How a user can free the name of a foreign machine with the engine's commands. It follows the word "or" in the
   * error.
   */
  nameConflictHint(machine: NamedMachine): string;
  /** The command with which a user runs `command` on a machine of this engine. */
  shellHint(name: string, command: string): string;
  /** The command with which a user restarts a machine. */
  restartHint(name: string): string;
  /** Known error messages of its program. */
  readonly issues: readonly KnownIssue[];
  /** The program that has to be installed. */
  readonly requirement: ToolRequirement;
}

/** The command, run as root on the machine. */
export function asRoot(command: Command): Command {
  return { ...command, file: 'sudo', args: [command.file, ...command.args] };
}
