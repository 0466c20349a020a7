import { quiet } from '../../../support/context.ts';
import { expect, it } from 'vitest';
import { removeScript } from '../../../../src/guest/sidecar.ts';
import { loadShippedData } from '../../../../src/system/shipped.ts';
import type { Computer } from '../computer.ts';
import { expectNothingToDo, expectOk } from '../evidence.ts';
import { owners, ready, rules } from '../sidecar.ts';
import { snapshot } from '../snapshot.ts';

const shipped = await loadShippedData();

/** Less common ways to install and remove the sidecar, on a machine without files of istio-vms. */
export function alternativeCases(computer: () => Computer, before: () => readonly string[]): void {
  it('removes iptables rules that are left while the unit is stopped', async () => {
    const { machine, guest, run } = computer();
    expectOk(await run('bootstrap'));
    await guest.sh(`systemctl stop istio && set -a && . /var/lib/istio/envoy/cluster.env && . /var/lib/istio-vms/sidecar.env &&
      /usr/local/lib/istio-vms/prepare`);
    expect(await rules(guest)).toContain('-A OUTPUT -p tcp -j ISTIO_OUTPUT');
    expect((await machine.put([], removeScript(shipped), quiet)).stdout).toBe('removed\n');
    expect(await snapshot(guest)).toEqual(before());
  });

  it('installs, runs and removes the programs from the image when no package is published', async () => {
    const { machine, guest, run, mirror } = computer();
    await mirror.unpublish();
    await mirror.publishImage();
    expectOk(await run('bootstrap'));
    await ready(guest);
    const programs = ['/usr/local/bin/pilot-agent', '/usr/local/bin/envoy'];
    expect(Object.values(await owners(guest, programs))).toEqual(Array(2).fill('2755 root:istio-proxy'));
    expect(await guest.succeeds('dpkg-query --show istio-sidecar')).toBe(false);
    expectNothingToDo(await run('bootstrap'));
    await machine.put([], removeScript(shipped), quiet);
    expect(await snapshot(guest)).toEqual(before());
    await mirror.publish();
  });
}
