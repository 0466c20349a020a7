import { loadEnvironment, type Environment } from '../../../src/app.ts';
import type { Invocation } from '../../../src/invocation.ts';

/** The environment of the program when it is started in this directory without options. */
export function environmentIn(cwd: string): Promise<Environment> {
  const invocation = { ...process, argv: [], cwd, env: process.env } as unknown as Invocation;
  return loadEnvironment(invocation, {
    output: 'text',
    quiet: false,
    verbose: false,
    set: {},
    rehearse: false,
    fault: [],
  });
}
