import { join } from 'node:path';
import { waitUntil, type ProbeResult } from '../plan/wait.ts';
import { LOCK_TIMEOUT_S } from '../invocation.ts';
import type { LockAnswer, LockHolder } from '../system/system.ts';
import type { Session } from './command.ts';

/** What is taken from a session: enough for a test to be one. */
export type LockRequest = Pick<Session, 'app' | 'options' | 'commandLine' | 'signal' | 'reporter'>;

type Taken = Exclude<LockAnswer, { heldBy: unknown }>;

/**
 * Does what changes a lab while nobody else changes the same one: two runs with one DATA_DIR go one after the other. As
 * apt and cargo do, the second says whom it waits for and begins when that one ends, in whatever way it ends.
 * @throws CliError `gave-up-waiting` with who holds the lock; `interrupted`
 */
export async function withLabLock<T>(session: LockRequest, body: () => Promise<T>): Promise<T> {
  const lock = await take(session);
  try {
    return await body();
  } finally {
    // It ends with this process in any case.
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
    what: `the other run with ${data} to end`,
    deadlineMs: (options.lockTimeout ?? LOCK_TIMEOUT_S) * 1000,
    intervalMs: 500,
    hint: 'Let it end and run this again, or wait longer with --lock-timeout.',
    say: (text) => {
      waitedFor.push(text);
      tell(session, 'notice', `One at a time: ${text}.`);
    },
    probe: async (): Promise<ProbeResult<Taken>> => {
      const since = new Date(clock.now()).toISOString();
      const answer = await files.lock(join(data, '.lock'), { command: commandLine, since });
      return 'heldBy' in answer ? { pending: whoseItIs(answer.heldBy) } : { ready: answer };
    },
  });
  if ('impossible' in lock) {
    tell(session, 'warning', `Nothing keeps a second run from working here at the same time: ${lock.impossible}.`);
  } else if (waitedFor.length > 0) tell(session, 'notice', 'The other run has ended.');
  return lock;
}

function tell({ app, reporter }: LockRequest, type: 'notice' | 'warning', text: string): void {
  reporter.event({ type, at: app.lab.system.clock.now(), text });
}

function whoseItIs(holder: LockHolder | undefined): string {
  if (holder === undefined) return 'it has only just begun';
  const { command, pid, since } = holder;
  return `\`${command}\`, process ${pid}, has been at work since ${since.slice(0, 19).replace('T', ' ')}Z`;
}
