import type { Cpu, Processes } from '../../../src/system/system.ts';
import type { CommandError } from '../../../src/system/command-error.ts';
import type { TestLab } from '../support/lab.ts';

/** An engine on the bench: the same cases for each. */
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
  | 'cutLaunch'
  | 'launchForeign'
  | 'cleanUp'
> {
  readonly hostCpu: Cpu;
  /** Runs a piece of a test; a simulated world needs to know when it is waited for. */
  readonly drive: <T>(work: () => Promise<T>) => Promise<T>;
  /** Lets time pass. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** The same bytes for the same seed and size; every byte value is in them, and they look like nothing. */
export function bytes(seed: number, size: number): Uint8Array {
  const made = new Uint8Array(size);
  let state = seed | 1;
  for (let at = 0; at < size; at++) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    made[at] = state;
  }
  return made;
}

/** The error with which a command ended. @throws Error when it went well */
export async function failureOf(run: ReturnType<Processes['run']>): Promise<CommandError> {
  const result = await run.catch((thrown: unknown) => thrown as CommandError);
  if (result instanceof Error) return result;
  throw new Error(`the command should have failed, and said: ${result.stdout}`);
}
