import { describe, expect, it } from 'vitest';
import { withLabLock, type LockRequest } from '../../../src/commands/lab-lock.ts';
import { createVirtualClock } from '../../../src/rehearsal/clock.ts';
import { createFiles } from '../../../src/rehearsal/files.ts';
import type { Files } from '../../../src/system/system.ts';

/** A working directory, and runs that request its lock. */
function directory(over: Partial<Files> = {}) {
  const clock = createVirtualClock(Date.parse('2026-01-05T09:00:00Z'));
  const files = createFiles();
  const said: string[] = [];
  const run = (commandLine: string, options: { lockTimeout?: number; signal?: AbortSignal } = {}): LockRequest =>
    ({
      app: { lab: { system: { files: { ...files, ...over }, clock }, config: { paths: { data: '/lab/.data' } } } },
      options: { ...(options.lockTimeout === undefined ? {} : { lockTimeout: options.lockTimeout }) },
      commandLine,
      signal: options.signal ?? new AbortController().signal,
      reporter: { event: ({ type, text }: { type: string; text: string }) => said.push(`${type}: ${text}`) },
    }) as unknown as LockRequest;
  return { clock, files, said, run };
}

describe('the lab lock', () => {
  it('is acquired without a message when it is free, and leaves no file', async () => {
    const { clock, files, said, run } = directory();
    expect(await clock.drive(withLabLock(run('istio-vms up'), async () => 7))).toBe(7);
    expect(said).toEqual([]);
    expect(files.nodes.has('/lab/.data/.lock')).toBe(false);
  });

  it('names the run that holds it, once, and is acquired when that run ends', async () => {
    const { clock, said, run } = directory();
    const events: string[] = [];
    const first = withLabLock(run('istio-vms up'), async () => {
      events.push('first begins');
      await clock.sleep(200_000);
      events.push('first ends');
    });
    const second = withLabLock(run('istio-vms up --delete'), async () => void events.push('second begins'));
    await clock.drive(Promise.all([first, second]));
    expect(events).toEqual(['first begins', 'first ends', 'second begins']);
    expect(said).toEqual([
      'notice: Waiting for the lock on /lab/.data: held by `istio-vms up` (process 4201, since 2026-01-05 09:00:00Z).',
      'notice: The lock was released.',
    ]);
    // The lock is polled every one to two seconds.
    expect(clock.now() - Date.parse('2026-01-05T09:00:00Z')).toBeLessThan(202_000);
  });

  it('times out after --lock-timeout, at once with 0, and nothing is changed', async () => {
    const { clock, files, run } = directory();
    const end = new AbortController();
    const first = withLabLock(run('istio-vms up'), () => clock.sleep(3_600_000, end.signal)).catch(() => 'ended');
    for (const [lockTimeout, after] of [
      [0, '0.0s'],
      [30, '30s'],
      [undefined, '10m'],
    ] as const) {
      const body = () => Promise.reject(new Error('the body ran'));
      const options = lockTimeout === undefined ? {} : { lockTimeout };
      await expect(clock.drive(withLabLock(run('istio-vms up', options), body))).rejects.toMatchObject({
        reason: 'timed-out',
        exitCode: 6,
        message: `Timed out waiting for the lock on /lab/.data after ${after}: held by \`istio-vms up\` (process 4201, since 2026-01-05 09:00:00Z).`,
      });
    }
    expect(files.nodes.has('/lab/.data/.lock')).toBe(true);
    end.abort(new Error('stop'));
    expect(await first).toBe('ended');
    expect(files.nodes.has('/lab/.data/.lock')).toBe(false);
  });

  it('is no longer waited for after an interrupt', async () => {
    const { clock, run } = directory();
    const interrupt = new AbortController();
    const end = new AbortController();
    const first = withLabLock(run('istio-vms up'), () => clock.sleep(3_600_000, end.signal)).catch(() => undefined);
    clock.after(5_000, () => interrupt.abort(new Error('stop')));
    const body = () => Promise.reject(new Error('the body ran'));
    await expect(
      clock.drive(withLabLock(run('istio-vms up', { signal: interrupt.signal }), body)),
    ).rejects.toMatchObject({ reason: 'interrupted' });
    end.abort(new Error('stop'));
    await first;
  });

  it('is released when the locked function fails', async () => {
    const { clock, files, run } = directory();
    const body = () => Promise.reject(new Error('broken'));
    await expect(clock.drive(withLabLock(run('istio-vms up'), body))).rejects.toThrow('broken');
    expect(files.locks.size).toBe(0);
  });

  it('is taken over from a dead run', async () => {
    const { clock, files, said, run } = directory();
    await files.lock('/lab/.data/.lock', { command: 'istio-vms up', since: '2026-01-05T08:00:00Z' });
    files.locks.clear();
    expect(await clock.drive(withLabLock(run('istio-vms up'), async () => 'works'))).toBe('works');
    expect(said).toEqual([]);
  });

  it('is replaced by a warning where locking is not available', async () => {
    const { clock, said, run } = directory({ lock: async () => ({ impossible: 'ENOLCK: no locks available' }) });
    expect(await clock.drive(withLabLock(run('istio-vms up'), async () => 'works'))).toBe('works');
    expect(said).toEqual([
      'warning: Locking is not available here; concurrent runs are not prevented: ENOLCK: no locks available.',
    ]);
  });
});
