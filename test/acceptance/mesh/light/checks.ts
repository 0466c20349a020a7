/** Runs and counts the checks of one mesh. */
export interface Checks {
  /** Runs a check and prints its result; a failure does not stop the run. */
  check(name: string, probe: () => Promise<unknown>): Promise<boolean>;
  /** Runs a check that all later checks depend on. @throws Stopped when it fails */
  need<T>(name: string, probe: () => Promise<T>): Promise<T>;
  readonly counts: () => { readonly passed: number; readonly failed: number };
}

/** A check failed that all later checks depend on. */
export class Stopped extends Error {}

export function createChecks(print: (line: string) => void): Checks {
  let passed = 0;
  let failed = 0;
  const probeOnce = async <T>(name: string, probe: () => Promise<T>): Promise<{ value: T } | undefined> => {
    const began = performance.now();
    const took = (): string => `(${((performance.now() - began) / 1000).toFixed(1)}s)`;
    try {
      const value = await probe();
      passed += 1;
      print(`pass  ${name} ${took()}`);
      return { value };
    } catch (error) {
      failed += 1;
      print(`FAIL  ${name} ${took()}\n      ${errorText(error)}`);
      return undefined;
    }
  };
  return {
    check: async (name, probe) => (await probeOnce(name, probe)) !== undefined,
    need: async (name, probe) => {
      const outcome = await probeOnce(name, probe);
      if (outcome === undefined) throw new Stopped(`the other checks need this one: ${name}`);
      return outcome.value;
    },
    counts: () => ({ passed, failed }),
  };
}

/** The message of an error, with the last lines of stderr if a program failed. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stderr = 'result' in error ? (error.result as { stderr?: string } | undefined)?.stderr : undefined;
  const tail = stderr?.trim().split('\n').slice(-8) ?? [];
  return [...error.message.split('\n'), ...tail].slice(0, 20).join('\n      ');
}
