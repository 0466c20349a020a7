import type { Context } from '../system/system.ts';
import { asRoot, type Machine } from '../machines/machine.ts';

/** Text of a file on the machine that only root can read; it does not appear in the log or the report. */
export async function readSecret(machine: Machine, path: string, context: Context): Promise<string> {
  const read = await machine.run(
    {
      ...asRoot({ file: 'cat', args: [path], effect: 'read' }),
      secretOutput: true,
      timeoutMs: 30_000,
    },
    context,
  );
  return read.stdout;
}
