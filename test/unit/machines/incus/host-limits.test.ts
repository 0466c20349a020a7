import { describe, expect, it } from 'vitest';
import { inotifyWarning } from '../../../../src/machines/incus/host-limits.ts';

const files = (text: string | undefined) => ({ readText: () => Promise.resolve(text) });

describe('the inotify limit of a container host', () => {
  it('is reported with the command that raises it when it is the default of the kernel', async () => {
    expect(await inotifyWarning(files('128\n'))).toMatch(
      / is 128 .*`sudo sysctl fs\.inotify\.max_user_instances=1024`/,
    );
  });

  it.each([['512\n'], ['8192\n'], [undefined], ['unlimited']])('is not reported when it is %j', async (text) => {
    expect(await inotifyWarning(files(text))).toBeUndefined();
  });

  it('is not reported when it cannot be read', async () => {
    expect(await inotifyWarning({ readText: () => Promise.reject(new Error('EACCES')) })).toBeUndefined();
  });
});
