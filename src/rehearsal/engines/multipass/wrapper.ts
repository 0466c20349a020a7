import { joined } from '../../bytes.ts';
import { underTimeLimit } from '../time-limit.ts';
import type { GuestCall, GuestProgram, ProgramResult } from '../../world.ts';

/** The wrapper that runs every command: it signals the start, limits the time, and never exits with 4. */
export const WRAPPER = [
  String.raw`printf '\036'; l=$1; shift;`,
  'case $1 in sudo) shift; set -- sudo timeout -k 2 "$l" "$@" ;; *) set -- timeout -k 2 "$l" "$@" ;; esac;',
  String.raw`"$@"; rc=$?; [ $rc -ne 4 ] || { printf '\037' >&2; rc=104; }; exit $rc`,
].join(' ');

/** Simulates the wrapper around a command: see src/machines/multipass/argv.ts. */
export async function underWrapper(call: GuestCall, run: GuestProgram): Promise<ProgramResult> {
  const { ended, ...result } = await underTimeLimit(call, run);
  const began = { ...result, stdout: joined('\u001e', result.stdout ?? '') };
  if (ended) return began;
  return result.exitCode === 4 ? { ...began, exitCode: 104, stderr: `${result.stderr ?? ''}\u001f` } : began;
}
