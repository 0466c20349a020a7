import { quiet } from '../support/context.ts';
import { describe, expect, it } from 'vitest';
import { verifyData } from '../../src/commands/verify.ts';
import { readStatus } from '../../src/verify/status.ts';
import { VERIFY_LIMIT_MS, verifyScreen, type Screen } from './support/screen.ts';
import { labThatIsUp, refusals, type Simulated } from './support/simulated.ts';
import { edit } from './support/breakages.ts';

const { watch } = refusals();
const VM = 'vm-istio-external-workload';

/** `name outcome` of each check that did not pass. */
const notPassed = ({ report }: Screen): readonly string[] =>
  report.results.filter(({ ok }) => !ok).map(({ name, outcome }) => `${name} ${outcome}`);

const statusRows = async (lab: Simulated): Promise<readonly string[]> => {
  const sections = await lab.drive(() => readStatus(lab.lab(), quiet));
  return sections.flatMap(({ rows }) =>
    rows.filter(({ ok }) => ok === false).map(({ what, state }) => `${what}: ${state}`),
  );
};

describe('verify of a broken lab names the cause first, within 20 seconds', () => {
  it('reports a stopped VM, and skips the checks that need its sidecar', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell(`multipass stop ${VM}`);
    const screen = await verifyScreen(lab);
    expect(screen.text.replaceAll(/in \d\S*s;/g, 'in N s;').replaceAll(/10\.43\.\d+\.\d+/g, '10.43.x.x')).toBe(
      `      check           evidence
pass  nodes           k3s-master, k3s-worker-1, k3s-worker-2 with v1.28.15+k3s1
pass  versions        istioctl 1.19.3, istiod 1.19.3
pass  istiod          istiod-1-19-3 at 10.43.x.x, tag default → 1-19-3
pass  gateway         192.168.64.2, 192.168.64.3, 192.168.64.5; ports 15022, 15443, 15013, 15018
pass  workload-files  hosts: 192.168.64.3; CA_ADDR: istiod-1-19-3.istio-system.svc:15013
FAIL  sidecar         ${VM} is stopped
skip  dns             skipped: sidecar failed
skip  identity        skipped: sidecar failed
pass  sample          3 pods, each with a sidecar
skip  vm-to-mesh      skipped: sidecar failed
skip  registration    skipped: sidecar failed
skip  health          skipped: sidecar failed
skip  mesh-to-vm      skipped: sidecar failed

6 of 13 checks passed in N s; 1 of 13 checks failed, 6 skipped.
Cause: sidecar: ${VM} is stopped`,
    );
    expect(screen.report.error).toMatchObject({
      message: `sidecar: ${VM} is stopped (1 of 13 checks failed, 6 skipped)`,
      facts: { hint: 'istio-vms vm' },
    });
    expect(verifyData(screen.report)).toMatchObject({ ok: false, cause: 'sidecar' });
    expect(screen.ms).toBeLessThan(VERIFY_LIMIT_MS);
    expect(lab.machine(VM).state).toBe('Stopped');
  });

  it('checks the data plane and does not wait for health when istiod is scaled to 0', async () => {
    const lab = watch(await labThatIsUp());
    edit(lab, 'deployments.apps', 'istio-system', 'istiod-1-19-3', (object) => {
      (object['spec'] as { replicas: number }).replicas = 0;
    });
    await lab.pass(30_000);
    const screen = await verifyScreen(lab);
    expect(notPassed(screen)).toEqual(['istiod failed', 'health skipped']);
    expect(screen.report.error?.message).toMatch(/^istiod: istiod-1-19-3 is scaled to 0 \(0 of 0 pods\)/);
    expect(screen.ms).toBeLessThan(VERIFY_LIMIT_MS);
    expect(await statusRows(lab)).toEqual([
      expect.stringMatching(/^istiod 1-19-3: (scaled to 0|no ready pod behind its Service)$/),
    ]);
  });

  it('reports that the Deployment of the gateway is deleted although its Service exists', async () => {
    const lab = watch(await labThatIsUp());
    lab.cluster.store.remove('deployments.apps', 'istio-system', 'istio-eastwestgateway');
    for (const { metadata } of lab.cluster.list('pods')) {
      if (metadata.name.startsWith('istio-eastwestgateway-'))
        lab.cluster.store.remove('pods', 'istio-system', metadata.name);
    }
    await lab.pass(30_000);
    const screen = await verifyScreen(lab);
    expect(notPassed(screen)[0]).toBe('gateway failed');
    expect(screen.report.error?.message).toMatch(/^gateway: no Deployment istio-system\/istio-eastwestgateway/);
    expect(screen.report.error?.facts.hint).toBe('istio-vms eastwest');
    expect(screen.report.results.find(({ name }) => name === 'registration')).toMatchObject({ cause: 'gateway' });
    expect(screen.ms).toBeLessThan(VERIFY_LIMIT_MS);
    expect((await statusRows(lab))[0]).toBe('east-west gateway: its Deployment does not exist');
  });

  it.each(['inactive', 'failed'] as const)('does not wait for a sidecar unit that is %s', async (active) => {
    const lab = watch(await labThatIsUp());
    await lab.shell(`multipass exec -n ${VM} -- sudo systemctl stop istio`);
    lab.machine(VM).units.get('istio')!.active = active;
    await lab.pass(30_000);
    const screen = await verifyScreen(lab);
    expect(screen.report.error?.message).toMatch(new RegExp(`^sidecar: .*, ${active}, not ready`));
    expect(screen.report.error?.facts.hint).toBe('istio-vms bootstrap');
    expect(screen.ms).toBeLessThan(5_000);
  });

  it('does not wait long for a sidecar that never becomes ready', async () => {
    const lab = watch(await labThatIsUp());
    const hosts = lab.machine(VM).files.get('/var/lib/istio-vms/hosts')!;
    hosts.content = '';
    await lab.shell(`multipass exec -n ${VM} -- sudo systemctl restart --no-block istio`);
    await lab.pass(30_000);
    const screen = await verifyScreen(lab);
    expect(screen.report.error?.message).toMatch(/^sidecar: .*not ready/);
    expect(screen.ms).toBeLessThan(VERIFY_LIMIT_MS);
  });

  it('advises the command that creates the WorkloadGroup when it is deleted', async () => {
    const lab = watch(await labThatIsUp());
    lab.cluster.store.remove('workloadgroups.networking.istio.io', 'vmns', 'external-app');
    for (const { metadata } of lab.cluster.list('workloadentries.networking.istio.io'))
      lab.cluster.store.remove('workloadentries.networking.istio.io', 'vmns', metadata.name);
    await lab.pass(30_000);
    const screen = await verifyScreen(lab);
    expect(screen.report.error?.message).toMatch(/^registration: no WorkloadEntry/);
    expect(screen.report.error?.facts.hint).toBe('istio-vms workload');
    expect(notPassed(screen)).toEqual(['registration failed', 'health skipped', 'mesh-to-vm skipped']);
    expect(screen.ms).toBeLessThan(VERIFY_LIMIT_MS);
    expect((await lab.step('workload')).report.error).toBeUndefined();
  });

  it("names a user's AuthorizationPolicy, with a hint that is not an istio-vms command", async () => {
    const lab = watch(await labThatIsUp());
    const policy = (name: string, spec: object): void =>
      void lab.cluster.store.put({
        apiVersion: 'security.istio.io/v1beta1',
        kind: 'AuthorizationPolicy',
        metadata: { name, namespace: 'vmns' },
        spec,
      });
    policy('only-the-sample', { rules: [{ from: [{ source: { namespaces: ['sample'] } }] }] });
    const strict = await verifyScreen(lab, ['strict']);
    expect(strict.report.error?.message).toMatch(
      /^strict: plain traffic is refused already without STRICT: 403 RBAC: access denied, by AuthorizationPolicy vmns\/only-the-sample/,
    );
    expect(strict.report.error?.facts.hint).toMatch(/^kubectl .* -n vmns get authorizationpolicies/);
    policy('deny-all', {});
    policy('others', { selector: { matchLabels: { app: 'other' } }, action: 'DENY', rules: [{}] });
    lab.cluster.store.remove('authorizationpolicies.security.istio.io', 'vmns', 'only-the-sample');
    const traffic = await verifyScreen(lab, ['mesh-to-vm']);
    expect(traffic.report.results[0]?.evidence).toMatch(
      /: 403 RBAC: access denied, by AuthorizationPolicy vmns\/deny-all$/,
    );
    expect(traffic.ms).toBeLessThan(VERIFY_LIMIT_MS);
  });

  it('reports a stopped control plane machine at once, without waiting for its address', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell('multipass stop k3s-master');
    const screen = await verifyScreen(lab);
    expect(screen.report.error?.message).toMatch(/^nodes: k3s-master is stopped/);
    expect(screen.report.error?.facts.hint).toBe('istio-vms k3s');
    expect(screen.ms).toBeLessThan(5_000);
  });

  it('reports a check that is requested by name with the failed check that it needs', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell(`multipass stop ${VM}`);
    const screen = await verifyScreen(lab, ['dns']);
    expect(notPassed(screen)).toEqual(['sidecar failed', 'dns skipped']);
    expect(screen.report.error?.facts.hint).toBe('istio-vms vm');
  });
});

describe('the checks of token and certificate', () => {
  const expire = async (lab: Simulated): Promise<void> => {
    // Longer than the lifetime of a token; the agent renews its certificate by itself.
    await lab.pass(20 * 3_600_000);
  };

  it('pass with an expired token when the certificate is valid', async () => {
    const lab = watch(await labThatIsUp());
    await expire(lab);
    const { report } = await verifyScreen(lab, ['workload-files']);
    expect(report.error).toBeUndefined();
    expect(report.results[0]?.evidence).toMatch(
      /the token expired at .*Z, the certificate of the VM is valid for longer$/,
    );
  });

  it('fail with an expired token when there is no certificate, and status reports both', async () => {
    const lab = watch(await labThatIsUp());
    await expire(lab);
    for (const path of [...lab.machine(VM).files.keys()].filter((key) => key.startsWith('/etc/certs/cert-chain')))
      lab.machine(VM).files.delete(path);
    await lab.shell(`multipass exec -n ${VM} -- sudo systemctl restart --no-block istio`);
    await lab.pass(30_000);
    const screen = await verifyScreen(lab);
    expect(screen.report.error?.message).toMatch(
      /^workload-files: the token expired at .*Z, and the VM has no certificate: the sidecar cannot authenticate/,
    );
    expect(screen.report.error?.facts.hint).toBe('istio-vms bootstrap');
    expect(screen.ms).toBeLessThan(VERIFY_LIMIT_MS);
    expect(await statusRows(lab)).toEqual(expect.arrayContaining(['certificate: no certificate', 'token: expired']));
  });
});
