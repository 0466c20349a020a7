import type { CommandOrigin } from '../errors/known-issue.ts';

/**
 * The the system interfaces to the outside (design.md section 3). Everything that can touch or observe the world goes through one
 * of them; `app.ts` hands in either the real ones (this room) or the simulated ones (`rehearsal/`).
 */

/** A host file given as standard input, streamed and not read into memory. */
export interface FileInput {
  readonly file: string;
}

/** A file on its way into a tar: bytes, or a host file that is streamed. */
export interface TarMember {
  /** Relative path inside the archive. */
  readonly name: string;
  readonly content: string | Uint8Array | FileInput;
  /** Permission bits. */
  readonly mode: number;
}

/** A tar given as standard input, made while it is read. */
export interface TarInput {
  readonly tar: readonly TarMember[];
}

/** A command is data before it is a deed: argv comes from pure functions, never from a shell string on this computer. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** `write` may change the world; a healthy lab is seen with `read` commands alone. */
  readonly effect: 'read' | 'write';
  /** Which program it starts; set by its builder. Absent only until an engine wraps a command for its machine. */
  readonly origin?: CommandOrigin;
  readonly stdin?: string | Uint8Array | FileInput | TarInput;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds until the process group is ended. */
  readonly timeoutMs?: number;
  /** Strings to mask wherever this command is shown. */
  readonly secrets?: readonly string[];
  /** The output itself is a secret (a token, a kubeconfig): it is kept out of every log. */
  readonly secretOutput?: boolean;
  /**
   * A write that an interrupt ends at once (SIGINT, then SIGTERM): running it again has the same effect as running it
   * once, so nothing is lost by cutting it.
   */
  readonly interruptible?: true;
  /** Hears each line of stderr as it comes, without its line end: the progress of a long command. */
  readonly onStderrLine?: (line: string) => void;
  /** What it runs on a machine, without the wrapping that gets it there: for people, who look for that. */
  readonly onMachine?: {
    readonly name: string;
    readonly argv: readonly string[];
    /** What a person types to restart that machine. */
    readonly restartHint?: string;
  };
}

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as it came, for binary content. */
  readonly stdoutBytes: Uint8Array;
  readonly durationMs: number;
}

/**
 * Goes with everything that may take time, from a step or a check down to the process: how it is ended, who hears of it, and
 * on whose behalf it runs.
 */
export interface Context {
  /** Aborted at the first interrupt: reads, waits and retries end, and no command is started any more. */
  readonly signal: AbortSignal;
  /** A sentence for the person who watches; the last one is what is shown. */
  readonly say: (text: string) => void;
  /** On whose behalf commands run, e.g. `apply/istio`: for the log and the run report. */
  readonly owner?: string;
}

export interface Processes {
  /**
   * Runs a command to its end. The context's signal keeps it from starting, and ends it early where it only reads or is
   * `interruptible`.
   * @throws CommandError when it cannot start, ends other than with 0, runs out of time, or is aborted.
   */
  run(command: Command, context: Context): Promise<CommandResult>;
}

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'link';
  /** Permission bits, e.g. 0o600. */
  readonly mode: number;
  readonly size: number;
  /** Where a link points to. */
  readonly target?: string;
}

/** Who holds a lock, as people are told. */
export interface LockHolder {
  readonly pid: number;
  /** What was typed. */
  readonly command: string;
  /** ISO 8601. */
  readonly since: string;
}

/** What comes of asking for a lock: it, who has it (unknown while that one still writes its name), or why there is none. */
export type LockAnswer =
  | { readonly release: () => Promise<void> }
  | { readonly heldBy: LockHolder | undefined }
  | { readonly impossible: string };

export interface Files {
  /** Bytes of a file, or undefined where there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Text (UTF-8) of a file, or undefined where there is none. */
  readText(path: string): Promise<string | undefined>;
  /**
   * Writes a file whole: a temporary file beside it, born with `mode` (default 0644), then renamed. Parent
   * directories are made with 0755, or 0700 when the file's mode gives nothing to others.
   */
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** Adds to the end of a file; it is born 0600. */
  append(path: string, content: string): Promise<void>;
  /** Undefined where there is nothing. Does not follow links. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Names in a directory, sorted; empty where there is none. */
  list(path: string): Promise<readonly string[]>;
  makeDirectory(path: string, mode?: number): Promise<void>;
  /** Changes permission bits. */
  chmod(path: string, mode: number): Promise<void>;
  /** Makes `path` a link to `target`, replacing a link or file that is there. */
  link(path: string, target: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, a link or a whole directory; nothing happens where there is none. */
  remove(path: string): Promise<void>;
  /** SHA-256 in lower-case hex, or undefined where there is no file. */
  sha256(path: string): Promise<string | undefined>;
  /**
   * Asks for the lock at `path`, at once. It is held until it is released or this process ends, however it ends; so what
   * a killed run has left there holds nobody up.
   */
  lock(path: string, holder: Omit<LockHolder, 'pid'>): Promise<LockAnswer>;
  /** Extracts named members of a tar (gzipped or not) into a directory: member name → file name there, with its mode. */
  extract(archive: string, into: string, members: readonly ArchiveMember[]): Promise<void>;
  /** What is in a tar (gzipped or not), in its order. @throws CliError `download-failed` when it is broken */
  members(archive: string): Promise<readonly ArchiveListing[]>;
  /** Writes a tar of these members, whole or not at all. The same members give the same bytes. */
  pack(archive: string, members: readonly TarMember[]): Promise<void>;
}

/** One thing in a tar: a regular file, or a link (a hard one names its target from the archive's root). */
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
  /** Where the file ends up; it appears there only when it is whole and its digest is right. */
  readonly to: string;
  /** Expected SHA-256 in lower-case hex. */
  readonly sha256: string;
  readonly mode?: number;
  readonly onProgress?: (progress: { readonly bytes: number; readonly total?: number }) => void;
  readonly signal?: AbortSignal;
}

export interface Downloads {
  /**
   * Streams to a temporary file beside `to`, checks, renames.
   * @throws CliError `artifact-not-found` (404, 410), `digest-mismatch` (the file is kept aside), `download-failed`.
   */
  fetch(request: DownloadRequest): Promise<void>;
  /** A small text (a checksum file). @throws CliError as above. */
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

/** The computer we run on, as `main.ts` found it: data, not a interface. */
export interface Host {
  readonly platform: Platform;
  readonly cpu: Cpu;
  /** Absolute; relative paths of the configuration start here. */
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}
