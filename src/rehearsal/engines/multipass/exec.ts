import { ENGINE_CALL, EXEC_SESSION } from '../../durations.ts';
import { joined } from '../../bytes.ts';
import { consumeFault } from '../../fault-state.ts';
import { openSession } from '../../guest/sessions.ts';
import { runOnGuest } from '../../guest/shell.ts';
import type { HostCall, ProgramResult } from '../../world.ts';
import { bringBack } from './lifecycle.ts';
import { failure, failures, spinner, usage, type ParsedArgs } from './parser.ts';

/** A promise that never settles; callers need a time limit. */
const never = (): Promise<never> => new Promise(() => undefined);

/** `multipass exec [-n] [-d DIR] NAME [--] CMD...` (docs/facts/multipass.md 1.2 and 3.4). */
export async function exec(call: HostCall, { positionals, options, rest }: ParsedArgs): Promise<ProgramResult> {
  const { world } = call;
  const mapped = !options.has('no-map-working-directory');
  if (!mapped && options.has('working-directory')) {
    return usage('Options --working-directory and --no-map-working-directory clash');
  }
  const [name = '', ...inner] = [...positionals, ...(rest ?? [])];
  if (inner.length === 0) return usage('Wrong number of arguments');
  if (options.has('working-directory')) return usage('Options -d is not known here', 'exec -d');

  await world.clock.sleep(ENGINE_CALL);
  if (!world.engine.daemonUp) return failure('exec', 'cannot connect to the multipass socket');
  const instance = world.engine.instances.get(name);
  if (instance === undefined) {
    const absent = failures('exec', [`instance "${name}" does not exist`]);
    // Without -n the client requests the mounts first and prints the error twice.
    return mapped ? { ...absent, stderr: `${absent.stderr ?? ''}${absent.stderr ?? ''}` } : absent;
  }
  if (instance.state === 'Deleted') return failures('exec', [`instance "${name}" is deleted`]);
  if (instance.state === 'Unknown') return failure('exec', 'Cannot retrieve credentials in unknown state');
  let noise = '';
  if (instance.state !== 'Running') {
    noise = spinner(`Starting ${name}`);
    await bringBack({ ...call, instance });
  }
  const session = openSession(instance);
  try {
    await world.clock.sleep(EXEC_SESSION);
    const result = await Promise.race([
      runOnGuest({ world, mesh: call.mesh, instance, root: false, args: inner, stdin: call.stdin }),
      session.lost.then((): ProgramResult => ({ exitCode: 255, stderr: '' })),
    ]);
    if (call.command.effect === 'write' && consumeFault(call.world, 'exec-lost')) return { exitCode: 255, stderr: '' };
    if (session.frozen) await session.lost;
    if (session.frozen) return { exitCode: 255, stderr: '' };
    // Up to 1.16.3 the client mistakes exit code 4 for its own retry code, and retries without end.
    if (result.exitCode === 4) await never();
    return { ...result, stdout: joined(noise, result.stdout ?? '') };
  } finally {
    session.close();
  }
}
