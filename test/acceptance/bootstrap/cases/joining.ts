import { quiet } from '../../../support/context.ts';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadShippedData } from '../../../../src/system/shipped.ts';
import type { Computer } from '../computer.ts';
import { expectNothingToDo, expectOk } from '../evidence.ts';
import { registered } from '../istiod.ts';
import { openSession, owners, ready, rules, unit } from '../sidecar.ts';

const { guest: shipped } = await loadShippedData();
const STORE = '/var/lib/istio-vms';
const LIB = '/usr/local/lib/istio-vms';
export const TOKEN = '/var/run/secrets/tokens/istio-token';

/** Joining the mesh, and the state of the machine afterwards. */
export function joiningCases(computer: () => Computer): void {
  it('makes the machine ready without breaking an open session', async () => {
    const session = await openSession(computer());
    try {
      expectOk(await computer().run('bootstrap'));
      expect(await session.hasOutput(15)).toBe(true);
    } finally {
      await session.close();
    }
    await ready(computer().guest);
  });

  it('gives every file its owner and mode', async () => {
    const { guest } = computer();
    const wanted = {
      '/etc/systemd/system/istio.service': '0644 root:root',
      [`${LIB}/prepare`]: '0755 root:root',
      [`${LIB}/ready`]: '0755 root:root',
      [`${LIB}/cleanup`]: '0755 root:root',
      [`${LIB}/hosts-block`]: '0755 root:root',
      '/var/lib/istio/envoy/cluster.env': '0644 root:root',
      [`${STORE}/sidecar.env`]: '0644 root:root',
      [`${STORE}/hosts`]: '0644 root:root',
      [`${STORE}/root-cert.pem`]: '0644 root:root',
      [`${STORE}/istio-token`]: '0600 root:root',
      '/etc/istio/config/mesh': '0644 root:root',
      '/etc/certs': '0755 istio-proxy:istio-proxy',
      '/etc/certs/root-cert.pem': '0600 istio-proxy:istio-proxy',
      '/etc/certs/cert-chain.pem': '0600 istio-proxy:istio-proxy',
      '/etc/certs/key.pem': '0600 istio-proxy:istio-proxy',
      [TOKEN]: '0600 istio-proxy:istio-proxy',
      '/usr/local/bin/pilot-agent': '2755 root:istio-proxy',
      '/usr/local/bin/envoy': '2755 root:istio-proxy',
      '/etc/hosts': '0644 root:root',
      '/etc/istio-vms/lab': '0644 root:root',
    };
    expect(await owners(guest, Object.keys(wanted))).toEqual(wanted);
    expect(await guest.sh('readlink /etc/istio')).toBe('/var/lib/istio');
    expect(await guest.sh('find /var/lib /var/cache -name ".istio-vms-*" -o -name "*.deb" -path "*istio-vms*"')).toBe(
      '',
    );
  });

  it('installs and enables our unit, which runs the agent as its user', async () => {
    const { guest } = computer();
    expect(await unit(guest, 'FragmentPath')).toBe('/etc/systemd/system/istio.service');
    expect(await unit(guest, 'UnitFileState')).toBe('enabled');
    expect(await unit(guest, 'ActiveState')).toBe('active');
    const pid = await unit(guest, 'MainPID');
    expect(await guest.sh('ps -o user:20=,args= -p "$1"', pid)).toMatch(/^istio-proxy .*pilot-agent proxy sidecar$/);
  });

  it('loads our rule for the ssh server before the rules of Istio', async () => {
    const all = await rules(computer().guest);
    const output = all.filter((rule) => rule.startsWith('-A OUTPUT'));
    expect(output[0]).toMatch(/--sport 22 .*--comment istio-vms -j RETURN$/);
    expect(output[1]).toBe('-A OUTPUT -p tcp -j ISTIO_OUTPUT');
    expect(all).toContain('-A PREROUTING -p tcp -j ISTIO_INBOUND');
    expect(all).toContain('-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001');
    expect(all).toContain('-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006');
  });

  it('gives the machine a certificate of its service account and registers it with its address', async () => {
    const { guest, machine, clusterSide, istiod } = computer();
    const { namespace, serviceAccount } = clusterSide.lab.config.workloads[0];
    expect(await guest.sh('openssl verify -CAfile /etc/certs/root-cert.pem /etc/certs/cert-chain.pem')).toMatch(
      /: OK$/,
    );
    expect(await guest.sh('curl --silent http://127.0.0.1:15000/certs')).toContain(
      `spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`,
    );
    expect(istiod.credentials).toEqual(['token']);
    expect(registered(clusterSide.cluster)).toEqual([await machine.address(quiet)]);
  });

  it('routes traffic both ways through Envoy and resolves names through the agent', async () => {
    const { guest, machine } = computer();
    const count = (port: number): Promise<string> =>
      guest.sh(`curl --silent http://127.0.0.1:15000/stats | sed -n 's/.*_${port}.downstream_cx_total: //p'`);
    await guest.sh('systemd-run --quiet --unit=ivb-page python3 -m http.server --directory /etc/istio-vms 8000');
    try {
      await guest.until('curl --silent --fail http://127.0.0.1:8000/lab', 20);
      const [inbound, outbound] = [Number(await count(15006)), Number(await count(15001))];
      const page = await fetch(`http://${await machine.address(quiet)}:8000/lab`, {
        signal: AbortSignal.timeout(15_000),
      });
      expect(await page.text()).toMatch(/^acceptance-/);
      expect(Number(await count(15006))).toBe(inbound + 1);
      // The answer does not matter: the connection only has to go through Envoy.
      await guest.sh(
        'curl --silent --max-time 2 "http://$(cut -d " " -f 1 /var/lib/istio-vms/hosts):$1" || true',
        String(computer().istiod.port),
      );
      expect(Number(await count(15001))).toBe(outbound + 1);
    } finally {
      await guest.sh('systemctl stop ivb-page');
    }
    const { stdout } = await machine.run(
      {
        file: 'python3',
        args: ['-c', shipped['dns.py'] ?? '', await guest.sh('hostname')],
        effect: 'read',
      },
      quiet,
    );
    expect(stdout.trim()).toBe(await machine.address(quiet));
  });

  it('changes and restarts nothing when it runs again', async () => {
    const { guest, run } = computer();
    const before = await unit(guest, 'InvocationID');
    expectNothingToDo(await run('bootstrap'));
    expect(await unit(guest, 'InvocationID')).toBe(before);
  });

  it('delivers a new token without a restart', async () => {
    const { guest, run, cwd, clusterSide } = computer();
    const [before, token] = [await unit(guest, 'InvocationID'), await guest.sh(`cat ${TOKEN}`)];
    const files = join(cwd, '.data', 'workload-files');
    await rm(files, { recursive: true });
    expectOk(await run('workload'));
    const fresh = await readFile(join(files, 'istio-token'), 'utf8');
    expect(fresh.trim()).not.toBe(token.trim());
    expectOk(await run('bootstrap'));
    expect((await guest.sh(`cat ${TOKEN}`)).trim()).toBe(fresh.trim());
    expect((await owners(guest, [TOKEN]))[TOKEN]).toBe('0600 istio-proxy:istio-proxy');
    expect(await unit(guest, 'InvocationID')).toBe(before);
    expect(registered(clusterSide.cluster)).toHaveLength(1);
  });
}
