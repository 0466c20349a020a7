import type { GuestCall, GuestProgram, ProgramResult } from '../world.ts';

/**
 * Simulates `timeout SECONDS COMMAND...`, with the arguments of the call: it ends the command after the limit, or when the
 * call itself is ended, and then exits with 124.
 */
export async function underTimeLimit(call: GuestCall, run: GuestProgram): Promise<ProgramResult & { ended: boolean }> {
  const [seconds = '', ...args] = call.args;
  const [end, done] = [new AbortController(), new AbortController()];
  call.ended?.addEventListener('abort', () => end.abort());
  void call.world.clock.sleep(Number(seconds) * 1000, done.signal).then(
    () => end.abort(),
    () => undefined,
  );
  const result = await run({ ...call, args, ended: end.signal });
  done.abort('ended');
  return end.signal.aborted ? { ...result, exitCode: 124, ended: true } : { ...result, ended: false };
}
