import type { Command } from '../src/system/system.ts';

/** Whether a command opens a session on a machine, which is slow and can be interrupted. */
export function isRemote({ file, args }: Command): boolean {
  return file === 'multipass' && (args[0] === 'exec' || args[0] === 'transfer');
}
