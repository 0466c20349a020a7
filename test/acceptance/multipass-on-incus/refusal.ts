import { failure, failures, usage } from '../../../src/rehearsal/engines/multipass/parser.ts';
import type { ProgramResult } from '../../../src/rehearsal/world.ts';

/** A failed command: its stdout, stderr and exit code. */
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

/** A usage error. */
export const badUsage = (text: string): Refusal => new Refusal(usage(text));

/** An error of the daemon. */
export const failed = (command: string, stdout: string, ...lines: readonly string[]): Refusal =>
  new Refusal(failure(command, ...lines), stdout);

/** An error of the daemon that lists one problem per instance. */
export const failedFor = (command: string, items: readonly string[]): Refusal => new Refusal(failures(command, items));
