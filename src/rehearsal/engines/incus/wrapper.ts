import { joined } from '../../bytes.ts';
import { underTimeLimit } from '../time-limit.ts';
import type { GuestCall, GuestProgram, ProgramResult } from '../../world.ts';

/**
 * The wrapper that runs every command with Incus, as root: it writes a mark to stderr at the start, switches to the
 * user ubuntu, sets a time limit, and writes a mark to both streams after all output.
 */
export const INCUS_WRAPPER = String.raw`printf '\036' >&2
limit=$1
shift
set -- sh -c 'env -- "$@"; rc=$?; printf "\036"; printf "\036" >&2; sleep 0.1; exit $rc' sh "$@"
cd ~ubuntu 2>/dev/null || cd /
id -u ubuntu >/dev/null 2>&1 || exec timeout -k 2 "$limit" "$@"
exec timeout -k 2 "$limit" setpriv --reuid=ubuntu --regid="$(id -g ubuntu)" --init-groups --inh-caps=-all env HOME="$PWD" USER=ubuntu LOGNAME=ubuntu "$@"`;

/** The byte that the wrapper writes before and after the command's output. */
export const INCUS_MARK = '\u001e';

/** Simulates the wrapper around a command: see src/machines/incus/argv.ts. */
export async function underIncusWrapper(call: GuestCall, run: GuestProgram): Promise<ProgramResult> {
  const { ended, ...result } = await underTimeLimit({ ...call, root: false }, run);
  const stderr = `${INCUS_MARK}${result.stderr ?? ''}`;
  if (ended) return { ...result, stderr };
  return { ...result, stdout: joined(result.stdout ?? '', INCUS_MARK), stderr: `${stderr}${INCUS_MARK}` };
}
