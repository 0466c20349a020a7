import { INCUS_EXEC } from './durations.ts';
import { consumeFault } from '../../fault-state.ts';
import { INCUS_MARK, INCUS_WRAPPER } from './wrapper.ts';
import { openSession } from '../../guest/sessions.ts';
import { runOnGuest } from '../../guest/shell.ts';
import { TERMINATED } from '../../processes.ts';
import type { HostCall, Instance, ProgramResult } from '../../world.ts';
import type { ParsedArgs } from '../arguments.ts';
import { daemonAway, failure, help } from './answers.ts';
import { factsOf, named } from './instances.ts';

/** What the client prints for these codes, also when the command itself exited with one (docs/facts/incus.md 2.2). */
const ADDED: Readonly<Record<number, string>> = {
  126: 'Error: Command not executable\n',
  127: 'Error: Command not found\n',
};

/** `incus exec NAME --mode non-interactive -- CMD...`, as root (docs/facts/incus.md 2). */
export async function exec(call: HostCall, parsed: ParsedArgs): Promise<ProgramResult> {
  const { world } = call;
  const [target, ...words] = parsed.positionals;
  const inner = [...words, ...(parsed.rest ?? [])];
  if (target === undefined) return help('exec');
  if (inner.length === 0) return failure('Invalid number of arguments', 'incus exec without a command');
  const mode = parsed.options.get('mode') ?? 'non-interactive';
  if (mode !== 'non-interactive') return failure(`there is no terminal`, `incus exec --mode ${mode}`);
  await world.clock.sleep(INCUS_EXEC);
  const away = daemonAway(world);
  if (away !== undefined) return away;
  const instance = named(call, parsed, target);
  if ('exitCode' in instance) return instance;
  const closed = notOpen(instance);
  if (closed !== undefined) return closed;

  // There is no network in between, so traffic rules freeze none of these sessions (docs/facts/incus.md 2.1).
  const session = openSession(instance);
  const begun = inner[2] === INCUS_WRAPPER ? INCUS_MARK : '';
  const ended = new AbortController();
  // The client forwards a TERM; a command left behind by a KILL ends at its own time limit (docs/facts/incus.md 2.3).
  call.signal?.addEventListener('abort', () => {
    if (call.signal?.reason === TERMINATED) ended.abort();
  });
  const fate = { lost: false };
  const gone = session.lost.then((): ProgramResult => {
    fate.lost = true;
    return { exitCode: 143 };
  });
  try {
    const result = await Promise.race([
      runOnGuest({ world, mesh: call.mesh, instance, root: true, args: inner, stdin: call.stdin, ended: ended.signal }),
      gone,
    ]);
    // When a command has ended its own machine, its output is lost.
    await Promise.resolve();
    if (fate.lost)
      return { exitCode: world.engine.instances.get(instance.name) === instance ? 143 : 137, stderr: begun };
    // A busy Incus can lose the end of a command's output without an error exit code (src/machines/incus/session.ts).
    if (call.command.effect === 'write' && consumeFault(world, 'exec-lost')) {
      return { exitCode: result.exitCode, stderr: begun };
    }
    return { ...result, stderr: `${result.stderr ?? ''}${ADDED[result.exitCode] ?? ''}` };
  } finally {
    session.close();
  }
}

/** Why no command can run there now. */
function notOpen(instance: Instance): ProgramResult | undefined {
  const { busy, type } = factsOf(instance);
  if (busy === 'create' || instance.state === 'Stopped') return failure('Instance is not running');
  if (instance.state === 'Suspended') return failure('Instance is frozen');
  if (instance.state === 'Unknown') return failure("Server isn't ready yet");
  if (instance.state === 'Running') return undefined;
  if (type === 'virtual-machine') return failure("VM agent isn't currently running");
  return { ...failure('Failed to retrieve PID of executing child process'), exitCode: 255 };
}
