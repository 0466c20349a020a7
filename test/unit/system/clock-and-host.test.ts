import { describe, expect, it } from 'vitest';
import { createClock } from '../../../src/system/clock.ts';
import { currentHost } from '../../../src/system/host.ts';

describe('createClock', () => {
  const clock = createClock();

  it('sleeps, and returns the time', async () => {
    const before = clock.now();
    await clock.sleep(15);
    expect(clock.now() - before).toBeGreaterThanOrEqual(14);
  });

  it('ends a sleep with the reason of the interrupt', async () => {
    const controller = new AbortController();
    const work = clock.sleep(60_000, controller.signal);
    controller.abort(new Error('stop'));
    await expect(work).rejects.toThrow('stop');
    await expect(clock.sleep(60_000, controller.signal)).rejects.toThrow('stop');
  });
});

describe('currentHost', () => {
  const source = { platform: 'darwin', arch: 'arm64', env: { HOME: '/Users/a' }, cwd: () => '/work' };

  it('translates the platform and the CPU of Node', () => {
    expect(currentHost(source)).toEqual({
      platform: 'darwin',
      cpu: 'arm64',
      cwd: '/work',
      home: '/Users/a',
      env: source.env,
    });
    expect(currentHost({ ...source, platform: 'linux', arch: 'x64' })).toMatchObject({
      platform: 'linux',
      cpu: 'amd64',
    });
  });

  it.each([
    ['win32', 'x64'],
    ['linux', 'arm'],
    ['freebsd', 'x64'],
  ])('refuses %s on %s with an explanation', (platform, arch) => {
    expect(() => currentHost({ ...source, platform, arch })).toThrow(
      expect.objectContaining({
        reason: 'tool-missing',
        message: expect.stringContaining(platform) as string,
      }) as Error,
    );
  });
});
