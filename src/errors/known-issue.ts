import type { Reason } from './reasons.ts';

/** Who wrote the text. `guest` is anything that ran on a machine. */
export type IssueTool = 'multipass' | 'incus' | 'kubectl' | 'istioctl' | 'container' | 'guest';

/** A murky message of another program, in words for the person who must act. */
export interface KnownIssue {
  /** Stable name, for tests and logs. */
  readonly id: string;
  readonly pattern: RegExp;
  /** Only where this tool, or one of these, spoke; without it, anywhere. */
  readonly tool?: IssueTool | readonly IssueTool[];
  /** Whether the same command may succeed a moment later, with nothing changed by anyone. */
  readonly transient?: true;
  readonly reason: Reason;
  readonly sentence: string;
  readonly hint: string;
  /** Where we know it from. */
  readonly source: string;
}
