import { expect, it } from 'vitest';
import type { Computer } from '../computer.ts';
import { documentOf } from '../evidence.ts';

const OTHER_CPU = process.arch === 'arm64' ? 'amd64' : 'arm64';
const DEB = '/var/cache/istio-vms/istio-sidecar.deb';

/** Failures on the machine: each reports reason, exit code and hint, and leaves no partial installation. */
export function failureCases(computer: () => Computer): void {
  const fails = async (reason: string, exitCode: number, text: RegExp): Promise<void> => {
    const { run, guest } = computer();
    const ran = await run('bootstrap', '--output', 'json');
    expect(ran.exitCode, ran.stderr).toBe(exitCode);
    const { error } = documentOf(ran);
    expect(error).toMatchObject({ reason, exitCode });
    expect(`${error?.message ?? ''} ${error?.hint ?? ''}`).toMatch(text);
    expect(error?.hint).not.toBe('');
    expect(await guest.succeeds('dpkg-query --show istio-sidecar')).toBe(false);
    expect(await guest.succeeds(`[ -e ${DEB} ]`)).toBe(false);
    expect(await guest.succeeds('[ -e /var/lib/istio-vms/sidecar-version ]')).toBe(false);
  };

  /** Mounts a small file system over a directory while `work` runs. */
  const withSmallFileSystem = async (directory: string, size: string, work: () => Promise<void>): Promise<void> => {
    const { guest } = computer();
    await guest.sh('mkdir -p "$1" && mount -t tmpfs -o size="$2" tmpfs "$1"', directory, size);
    try {
      await work();
    } finally {
      await guest.sh('umount "$1"', directory);
    }
  };

  it('fails with wrong-architecture when the package is for another CPU', async () => {
    await computer().mirror.publish({ architecture: OTHER_CPU });
    await fails('wrong-architecture', 5, /CPU|architecture/);
  });

  it('fails with guest-failed when the package depends on a package that does not exist', async () => {
    await computer().mirror.publish({ dependsOn: 'istio-vms-nowhere' });
    await fails('guest-failed', 5, /package/);
  });

  it('fails with engine-unavailable without a package and without a container engine to extract the programs from the image', async () => {
    await computer().mirror.unpublish();
    await fails('engine-unavailable', 4, /Docker/);
    await computer().mirror.publish();
  });

  it('fails with disk-full when there is no room for the programs', () =>
    withSmallFileSystem('/usr/local', '20M', () => fails('disk-full', 5, /full|space|disk/)));

  it('fails with disk-full when there is no room for the package', () =>
    withSmallFileSystem('/var/cache/istio-vms', '4k', () => fails('disk-full', 5, /full|space|disk/)));
}
