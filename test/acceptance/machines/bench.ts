import type { Cpu, Processes } from '../../../src/system/system.ts';
import type { CommandError } from '../../../src/system/command-error.ts';
import type { TestLab } from '../support/lab.ts';

/** An engine under test; the same cases run for every engine. */
export interface Bench extends Pick<
  TestLab,
  | 'name'
  | 'directory'
  | 'engine'
  | 'system'
  | 'shipped'
  | 'config'
  | 'context'
  | 'launch'
  | 'interruptLaunch'
  | 'launchForeign'
  | 'cleanUp'
> {
  readonly hostCpu: Cpu;
  /** Runs a part of a test. The simulated clock advances only while this function waits. */
  readonly drive: <T>(work: () => Promise<T>) => Promise<T>;
  /** Waits, in simulated time for a simulated engine. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** Pseudo-random bytes: the same for the same seed and size, with every byte value. */
export function bytes(seed: number, size: number): Uint8Array {
  const result = new Uint8Array(size);
  let state = seed | 1;
  for (let at = 0; at < size; at++) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    result[at] = state;
  }
  return result;
}

/** The error of a command that must fail. @throws Error if it succeeds */
export async function failureOf(run: ReturnType<Processes['run']>): Promise<CommandError> {
  const result = await run.catch((thrown: unknown) => thrown as CommandError);
  if (result instanceof Error) return result;
  throw new Error(`the command should have failed; its output: ${result.stdout}`);
}
