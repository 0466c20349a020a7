import { joined } from '../../bytes.ts';
import type { GuestCall, GuestProgram, ProgramResult } from '../../world.ts';

/** The wrapper that runs every command: it signals the start, limits the time, and never exits with 4. */
export const WRAPPER = [
  String.raw`printf '\036'; l=$1; shift;`,
  'case $1 in sudo) shift; set -- sudo timeout -k 2 "$l" "$@" ;; *) set -- timeout -k 2 "$l" "$@" ;; esac;',
  String.raw`"$@"; rc=$?; [ $rc -ne 4 ] || { printf '\037' >&2; rc=104; }; exit $rc`,
].join(' ');

/** Simulates the wrapper around a command: see src/machines/multipass/argv.ts. */
export async function underWrapper(call: GuestCall, run: GuestProgram): Promise<ProgramResult> {
  const [limit = '', ...args] = call.args;
  const [late, done] = [new AbortController(), new AbortController()];
  void call.world.clock.sleep(Number(limit) * 1000, done.signal).then(
    () => late.abort(),
    () => undefined,
  );
  const result = await run({ ...call, args, ended: late.signal });
  done.abort('ended');
  const began = { ...result, stdout: joined('\u001e', result.stdout ?? '') };
  if (late.signal.aborted) return { ...began, exitCode: 124 };
  return result.exitCode === 4 ? { ...began, exitCode: 104, stderr: `${result.stderr ?? ''}\u001f` } : began;
}
