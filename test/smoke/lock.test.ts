import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createComputer, type Computer } from './computer.ts';
import { documentOf, expectRecovery, expectSuccess, writesOf } from './evidence.ts';
import type { Call } from './world-server.ts';

const isLaunch = ({ tool, args }: Call): boolean => tool === 'multipass' && args[0] === 'launch';

describe('two runs in one directory', () => {
  let computer: Computer;
  beforeEach(async () => {
    computer = await createComputer();
  });
  afterEach(() => computer.remove());

  const lock = (): Promise<unknown> => stat(join(computer.cwd, '.data', '.lock')).catch(() => 'none');

  it('run one after the other: the second names the first, waits, and then finds everything up to date', async () => {
    const runs = await Promise.all([computer.run('up', '--skip-verify'), computer.run('up', '--skip-verify')]);
    runs.forEach(expectSuccess);
    const [waiting, working] = runs.sort(
      (a, b) => b.stderr.indexOf('Waiting for the lock') - a.stderr.indexOf('Waiting for the lock'),
    );
    expect(waiting.stderr).toMatch(
      /Waiting for the lock on .*: held by `istio-vms up --skip-verify` \(process \d+, since \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\)/,
    );
    expect(waiting.stdout).toContain('Everything is up to date; nothing changed.');
    expect(working.stderr).not.toContain('Waiting for the lock');
    expect(working.stdout).toMatch(/\d+ steps applied/);
    expect(computer.calls.filter(isLaunch)).toHaveLength(4);
    expect(computer.world.refused).toEqual([]);
    expect(await lock()).toBe('none');
  });

  it('fail at once with --lock-timeout 0, and never wait when they only read', async () => {
    const hold = computer.hold(isLaunch);
    const first = computer.start('up', '--skip-verify');
    await hold.reached;

    const second = await computer.run('k3s', '--lock-timeout', '0', '--output', 'json');
    expect(second.exitCode).toBe(6);
    const { error } = documentOf(second);
    expect(error.reason).toBe('timed-out');
    expect(error.message).toContain(`held by \`istio-vms up --skip-verify\` (process ${first.pid}, since`);
    expect(error.hint).toContain('--lock-timeout');
    for (const reading of [['status'], ['plan'], ['env'], ['verify', 'istioctl', '--lock-timeout', '0']]) {
      expect((await computer.run(...reading)).stderr).not.toContain('held by');
    }
    hold.release();
    expectSuccess(await first.done);
  });

  it('do not wait for a run that was killed', async () => {
    const hold = computer.hold(isLaunch);
    const first = computer.start('up', '--skip-verify');
    await hold.reached;
    process.kill(first.pid, 'SIGKILL');
    await first.done;
    expect(await lock()).not.toBe('none');
    hold.release();

    const second = await computer.run('up', '--skip-verify', '--lock-timeout', '0');
    expectRecovery(second);
    expect(second.stderr).not.toContain('Waiting for the lock');
    expect([...computer.world.engine.instances.keys()]).toHaveLength(4);
    expect(await lock()).toBe('none');
  });

  it('can be interrupted while one waits for the lock', async () => {
    const hold = computer.hold(isLaunch);
    const first = computer.start('up', '--skip-verify');
    await hold.reached;
    const second = computer.start('up', '--delete');
    await second.prints('Waiting for the lock');
    second.ctrlC();
    const ended = await second.done;
    expect(ended.exitCode).toBe(130);
    expect(writesOf(ended)).toEqual([]);
    hold.release();
    expectSuccess(await first.done);
  });
});
