import { isDaemonAway } from '../daemon.ts';
import type { ProgramResult, World } from '../../world.ts';

/** A failure as the client reports it: Incus has no other exit code of its own (docs/facts/incus.md 0.3). */
export function failure(text: string, refused?: string): ProgramResult {
  return { exitCode: 1, stderr: `Error: ${text}\n`, ...(refused === undefined ? {} : { refused }) };
}

/** Up to 6.0.5 a command without any name prints its help and exits with 0 (docs/facts/incus.md 0.4). */
export function help(command: string): ProgramResult {
  return { exitCode: 0, stdout: `Usage:\n  incus ${command} [flags]\n`, refused: `incus ${command} without a name` };
}

/** The error of every command while the daemon is away (docs/facts/incus.md 9). */
export function daemonAway(world: World): ProgramResult | undefined {
  if (!isDaemonAway(world)) return undefined;
  return failure("The incus daemon doesn't appear to be started (socket path: /var/lib/incus/unix.socket)");
}

/** The daemon ended during an operation (docs/facts/incus.md 2.2). */
export const CUT = failure('websocket: close 1006 (abnormal closure): unexpected EOF');
