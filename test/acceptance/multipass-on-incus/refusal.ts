import { failure, failures, usage } from '../../../src/rehearsal/engines/multipass/parser.ts';
import type { ProgramResult } from '../../../src/rehearsal/world.ts';

/** An end other than well: what stands on the two streams, and the exit code. */
export class Refusal extends Error {
  readonly exitCode: number;
  readonly stderr: string;
  readonly stdout: string;

  constructor(result: Pick<ProgramResult, 'exitCode' | 'stderr'>, stdout = '') {
    super(result.stderr);
    this.exitCode = result.exitCode;
    this.stderr = result.stderr ?? '';
    this.stdout = stdout;
  }
}

/** A bad command line. */
export const badUsage = (text: string): Refusal => new Refusal(usage(text));

/** A failure of the daemon. */
export const failed = (command: string, stdout: string, ...lines: readonly string[]): Refusal =>
  new Refusal(failure(command, ...lines), stdout);

/** Nothing was done for any of the instances. */
export const failedFor = (command: string, items: readonly string[]): Refusal => new Refusal(failures(command, items));
