import { join } from 'node:path';
import { notice } from '../plan/text.ts';
import { waitUntil, type ProbeResult } from '../plan/wait.ts';
import { LOCK_TIMEOUT_S } from '../invocation.ts';
import type { LockAnswer, LockHolder } from '../system/system.ts';
import type { Session } from './command.ts';

/** The part of a session that the lock needs, kept small for tests. */
export type LockRequest = Pick<Session, 'app' | 'options' | 'commandLine' | 'signal' | 'reporter'>;

type Taken = Exclude<LockAnswer, { heldBy: unknown }>;

/**
 * Runs `body` while holding the lab's lock, so that only one run at a time changes the lab in a DATA_DIR. Like apt and
 * cargo, a second run prints who holds the lock and starts when that run ends, however it ends.
 * @throws CliError `timed-out` with the holder of the lock; `interrupted`
 */
export async function withLabLock<T>(session: LockRequest, body: () => Promise<T>): Promise<T> {
  const lock = await take(session);
  try {
    return await body();
  } finally {
    // If the release fails, the kernel still releases the lock when this process ends.
    if ('release' in lock) await lock.release().catch(() => undefined);
  }
}

async function take(session: LockRequest): Promise<Taken> {
  const { app, options, commandLine, signal } = session;
  const { files, clock } = app.lab.system;
  const { data } = app.lab.config.paths;
  const waitedFor: string[] = [];
  const lock = await waitUntil<Taken>({
    clock,
    signal,
    what: `the lock on ${data}`,
    deadlineMs: (options.lockTimeout ?? LOCK_TIMEOUT_S) * 1000,
    intervalMs: 500,
    hint: 'Wait for the other run to end, or raise --lock-timeout.',
    say: (text) => {
      waitedFor.push(text);
      tell(session, 'notice', notice(text));
    },
    probe: async (): Promise<ProbeResult<Taken>> => {
      const since = new Date(clock.now()).toISOString();
      const answer = await files.lock(join(data, '.lock'), { command: commandLine, since });
      return 'heldBy' in answer ? { pending: holderText(answer.heldBy) } : { ready: answer };
    },
  });
  if ('impossible' in lock) {
    tell(session, 'warning', `Locking is not available here; concurrent runs are not prevented: ${lock.impossible}.`);
  } else if (waitedFor.length > 0) tell(session, 'notice', 'The lock was released.');
  return lock;
}

function tell({ app, reporter }: LockRequest, type: 'notice' | 'warning', text: string): void {
  reporter.event({ type, at: app.lab.system.clock.now(), text });
}

function holderText(holder: LockHolder | undefined): string {
  if (holder === undefined) return 'held by a run that is starting';
  const { command, pid, since } = holder;
  return `held by \`${command}\` (process ${pid}, since ${since.slice(0, 19).replace('T', ' ')}Z)`;
}
