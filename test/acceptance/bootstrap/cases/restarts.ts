import { quiet } from '../../../support/context.ts';
import { expect, it } from 'vitest';
import type { Computer } from '../computer.ts';
import { expectNothingToDo, expectOk } from '../evidence.ts';
import { registered } from '../istiod.ts';
import { ready, rules, unit } from '../sidecar.ts';
import { TOKEN } from './joining.ts';

const STORE_TOKEN = '/var/lib/istio-vms/istio-token';

/** Reboots, changed files and a stopped unit on a machine that has joined the mesh. */
export function restartCases(computer: () => Computer): void {
  it('changes nothing after a reboot because the sidecar starts by itself', async () => {
    const { guest, run } = computer();
    const token = await guest.sh(`cat ${TOKEN}`);
    const before = await unit(guest, 'InvocationID');
    await guest.reboot();
    await ready(guest);
    expect(await unit(guest, 'InvocationID')).not.toBe(before);
    expect(await guest.sh(`cat ${TOKEN}`)).toBe(token);
    expect(await guest.sh('cat /etc/hosts')).toMatch(
      /# istio-vms begin\n\S+ istiod-[\d-]+\.istio-system\.svc\n# istio-vms end/,
    );
    expect(await rules(guest)).toContain('-A OUTPUT -p tcp -j ISTIO_OUTPUT');
    expectNothingToDo(await run('bootstrap'));
  });

  it('needs no token after a reboot while the certificate is valid', async () => {
    const { guest, istiod, run, clusterSide } = computer();
    await guest.sh(`rm ${STORE_TOKEN} ${TOKEN}`);
    await guest.reboot();
    await ready(guest);
    expect(istiod.credentials.at(-1)).toBe('certificate');
    expect(await guest.succeeds(`[ -e ${TOKEN} ]`)).toBe(false);
    expect(registered(clusterSide.cluster)).toHaveLength(1);
    const before = await unit(guest, 'InvocationID');
    expectOk(await run('bootstrap'));
    expect(await guest.succeeds(`cmp ${STORE_TOKEN} ${TOKEN}`)).toBe(true);
    expect(await unit(guest, 'InvocationID')).toBe(before);
  });

  it('repairs a changed file without restarting the agent, which never read it', async () => {
    const { guest, run } = computer();
    const before = await unit(guest, 'InvocationID');
    await guest.sh('echo BROKEN=1 >>/var/lib/istio/envoy/cluster.env');
    expectOk(await run('bootstrap'));
    expect(await guest.succeeds('grep -q BROKEN /var/lib/istio/envoy/cluster.env')).toBe(false);
    expect(await unit(guest, 'InvocationID')).toBe(before);
  });

  it('drains connections, removes the rules and restores the resolver of the machine when the unit stops', async () => {
    const { guest, machine, clusterSide } = computer();
    await guest.sh('systemctl stop istio');
    expect(await unit(guest, 'Result')).toBe('success');
    expect(await guest.sh('journalctl --unit istio --no-pager --lines 30')).toContain(
      'draining proxy for termination is done',
    );
    expect(await rules(guest)).toEqual([]);
    expect(await guest.sh('pgrep -u istio-proxy || true')).toBe('');
    expect(await guest.sh('getent ahostsv4 "$(hostname)" | head -n 1')).toContain(await machine.address(quiet));
    expect(registered(clusterSide.cluster)).toEqual([]);
  });

  it('starts the stopped sidecar again when bootstrap runs', async () => {
    const { guest, run, clusterSide } = computer();
    expectOk(await run('bootstrap'));
    await ready(guest);
    expect(registered(clusterSide.cluster)).toHaveLength(1);
  });
}
