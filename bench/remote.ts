import type { Command } from '../src/system/system.ts';

/** Whether a command opens a session on a machine: what is slow, and can break off. */
export function isRemote({ file, args }: Command): boolean {
  return file === 'multipass' && (args[0] === 'exec' || args[0] === 'transfer');
}
