import type { Reason } from './reasons.ts';

/**
 * Which program a command starts. `guest` is anything that runs on a machine, `engine` the program that makes machines,
 * `host` any other program of this computer.
 */
export type CommandOrigin = 'engine' | 'guest' | 'kubectl' | 'istioctl' | 'container' | 'host';

/** A murky message of another program, in words for the person who must act. */
export interface KnownIssue {
  /** Stable name, for tests and logs. */
  readonly id: string;
  readonly pattern: RegExp;
  /** Only for commands of this origin, or one of these; without it, of any. */
  readonly origin?: CommandOrigin | readonly CommandOrigin[];
  /** Whether the same command may succeed a moment later, with nothing changed by anyone. */
  readonly transient?: true;
  readonly reason: Reason;
  readonly sentence: string;
  /** `RESTART` in backquotes and parentheses stands for the command that restarts the machine. */
  readonly hint: string;
  /** Where we know it from. */
  readonly source: string;
}
