import type { Reason } from './reasons.ts';

/**
 * Which program a command starts. `guest` is anything that runs on a machine, `engine` the program that creates
 * machines, `host` any other program on this computer.
 */
export type CommandOrigin = 'engine' | 'guest' | 'kubectl' | 'istioctl' | 'container' | 'host';

/** An unclear message of another program, with a clear sentence and advice. */
export interface KnownIssue {
  /** Stable name, for tests and logs. */
  readonly id: string;
  readonly pattern: RegExp;
  /** Only for commands of this origin or these origins; absent for any. */
  readonly origin?: CommandOrigin | readonly CommandOrigin[];
  /** Whether the same command may succeed on a retry, without any change. */
  readonly transient?: true;
  /** Whether a program that keeps writing this cannot succeed, however long one waits. */
  readonly permanent?: true;
  readonly reason: Reason;
  readonly sentence: string;
  /** `RESTART` in backquotes and parentheses is replaced by the command that restarts the machine. */
  readonly hint: string;
  /** The source of the message. */
  readonly source: string;
}
