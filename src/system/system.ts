import type { CommandOrigin } from '../errors/known-issue.ts';

/**
 * The system interfaces (docs/architecture.md). Everything that changes or observes the outside goes through one of
 * them; `app.ts` passes in either the real ones (this folder) or the simulated ones (`rehearsal/`).
 */

/** A host file given as standard input, streamed and not read into memory. */
export interface FileInput {
  readonly file: string;
}

/** A member of a tar to be written: bytes, or a host file that is streamed. */
export interface TarMember {
  /** Relative path inside the archive. */
  readonly name: string;
  readonly content: string | Uint8Array | FileInput;
  /** Permission bits. */
  readonly mode: number;
}

/** A tar given as standard input, created while it is read. */
export interface TarInput {
  readonly tar: readonly TarMember[];
}

/** A command as data: argv comes from pure functions, never from a shell string on this computer. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** `write` may change something; a healthy lab is checked with `read` commands only. */
  readonly effect: 'read' | 'write';
  /** Which program it starts; set by its builder. Absent only until an engine wraps a command for its machine. */
  readonly origin?: CommandOrigin;
  readonly stdin?: string | Uint8Array | FileInput | TarInput;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which the process group is ended. */
  readonly timeoutMs?: number;
  /** Strings to mask wherever this command is shown. */
  readonly secrets?: readonly string[];
  /** The output itself is a secret (a token, a kubeconfig) and is never logged. */
  readonly secretOutput?: boolean;
  /**
   * A write that an interrupt ends at once (SIGINT, then SIGTERM). It is idempotent, so it can be cut off and run
   * again.
   */
  readonly interruptible?: true;
  /** Called with each line of stderr as it arrives, without its line end: the progress of a long command. */
  readonly onStderrLine?: (line: string) => void;
  /** The command that runs on a machine, without the engine's wrapping: for display. */
  readonly onMachine?: {
    readonly name: string;
    readonly argv: readonly string[];
    /** The command with which a user restarts that machine. */
    readonly restartHint?: string;
  };
}

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as bytes, for binary content. */
  readonly stdoutBytes: Uint8Array;
  readonly durationMs: number;
}

/**
 * Passed to everything that may take time, from a step or a check down to the process: how to cancel it, where it
 * reports progress, and who owns it.
 */
export interface Context {
  /** Aborted at the first interrupt: reads, waits and retries end, and no further command is started. */
  readonly signal: AbortSignal;
  /** Reports progress to the user; only the latest message is shown. */
  readonly say: (text: string) => void;
  /** The owner of the commands, e.g. `apply/istio`: for the log and the run report. */
  readonly owner?: string;
}

export interface Processes {
  /**
   * Runs a command to its end. An aborted signal keeps it from starting, and ends it early if it is read-only or
   * `interruptible`.
   * @throws CommandError when it cannot start, exits with a code other than 0, times out, or is aborted.
   */
  run(command: Command, context: Context): Promise<CommandResult>;
}

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'link';
  /** Permission bits, e.g. 0o600. */
  readonly mode: number;
  readonly size: number;
  /** The target of a link. */
  readonly target?: string;
}

/** The holder of a lock, as shown to users. */
export interface LockHolder {
  readonly pid: number;
  /** The command line that the user typed. */
  readonly command: string;
  /** ISO 8601. */
  readonly since: string;
}

/**
 * The result of trying to lock: the lock, its holder (unknown until its name is written), or why locking is not
 * available.
 */
export type LockAnswer =
  | { readonly release: () => Promise<void> }
  | { readonly heldBy: LockHolder | undefined }
  | { readonly impossible: string };

export interface Files {
  /** Bytes of a file, or undefined when it does not exist. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Text (UTF-8) of a file, or undefined when it does not exist. */
  readText(path: string): Promise<string | undefined>;
  /**
   * Writes a file atomically: a temporary file next to it, created with `mode` (default 0644), then renamed. Parent
   * directories are created with 0755, or 0700 when the file's mode gives no permissions to others.
   */
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** Appends to a file; creates it with 0600. */
  append(path: string, content: string): Promise<void>;
  /** Undefined when nothing exists there. Does not follow links. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Names in a directory, sorted; empty when it does not exist. */
  list(path: string): Promise<readonly string[]>;
  makeDirectory(path: string, mode?: number): Promise<void>;
  /** Changes permission bits. */
  chmod(path: string, mode: number): Promise<void>;
  /** Makes `path` a link to `target`, replacing an existing link or file. */
  link(path: string, target: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, a link or a whole directory; does nothing when it does not exist. */
  remove(path: string): Promise<void>;
  /** SHA-256 in lower-case hex, or undefined when the file does not exist. */
  sha256(path: string): Promise<string | undefined>;
  /**
   * Tries to take the lock at `path`, without waiting. It is held until it is released or this process ends in any way,
   * so a file left by a killed run blocks no other run.
   */
  lock(path: string, holder: Omit<LockHolder, 'pid'>): Promise<LockAnswer>;
  /** Extracts named members of a tar (gzipped or not) into a directory: member name → file name there, with its mode. */
  extract(archive: string, into: string, members: readonly ArchiveMember[]): Promise<void>;
  /** The members of a tar (gzipped or not), in order. @throws CliError `download-failed` when it is broken */
  members(archive: string): Promise<readonly ArchiveListing[]>;
  /** Writes a tar of these members atomically. The same members give the same bytes. */
  pack(archive: string, members: readonly TarMember[]): Promise<void>;
}

/** A member of a tar: a regular file, or a link (the target of a hard link is relative to the archive's root). */
export type ArchiveListing =
  | { readonly name: string; readonly size: number; readonly sha256: string }
  | { readonly name: string; readonly link: string; readonly hard?: boolean };

export interface ArchiveMember {
  /** Name inside the archive, without a leading `./` or `/`. */
  readonly member: string;
  /** Path below the target directory. */
  readonly as: string;
  readonly mode: number;
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface DownloadRequest {
  readonly url: string;
  /** The final path; the file appears there only when it is complete and its digest is correct. */
  readonly to: string;
  /** Expected SHA-256 in lower-case hex. */
  readonly sha256: string;
  readonly mode?: number;
  readonly onProgress?: (progress: { readonly bytes: number; readonly total?: number }) => void;
  readonly signal?: AbortSignal;
}

export interface Downloads {
  /**
   * Streams to a temporary file next to `to`, verifies the digest, renames.
   * @throws CliError `artifact-not-found` (404, 410), `digest-mismatch` (the file is kept), `download-failed`.
   */
  fetch(request: DownloadRequest): Promise<void>;
  /** A small text, e.g. a checksum file. @throws CliError as above. */
  text(url: string, signal?: AbortSignal): Promise<string>;
}

export interface System {
  readonly processes: Processes;
  readonly files: Files;
  readonly clock: Clock;
  readonly downloads: Downloads;
}

export type Platform = 'darwin' | 'linux';
export type Cpu = 'amd64' | 'arm64';

/** The current computer, as `main.ts` found it: plain data, not an interface. */
export interface Host {
  readonly platform: Platform;
  readonly cpu: Cpu;
  /** Absolute; relative paths in the configuration start here. */
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}
