import { loadEnvironment, type Environment } from '../../../src/app.ts';
import type { Invocation } from '../../../src/invocation.ts';

/** What the program would see if it were started in this directory, with this process' environment and no options. */
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
