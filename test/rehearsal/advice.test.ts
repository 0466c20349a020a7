import { quiet } from '../support/context.ts';
import { describe, expect, it } from 'vitest';
import type { StepCommand } from '../../src/steps/lab-step.ts';
import { readStatus } from '../../src/verify/status.ts';
import { BREAKAGES } from './support/breakages.ts';
import { VERIFY_LIMIT_MS, verifyScreen, type Screen } from './support/screen.ts';
import { labThatIsUp, refusals, type RunResult, type Simulated } from './support/simulated.ts';

const { watch } = refusals();

/** The breakages for which `verify` could wait: for a request, for health, or for a machine. */
const SELECTED = [
  'the VM is stopped',
  'a worker is purged',
  'a worker is stopped',
  "istiod is scaled to 0, and the gateway's Deployment is deleted",
  'cluster DNS is scaled to 0',
  'the whole control plane is deleted',
  "the namespace's network label is deleted",
  'the cross-network gateway is deleted',
  'the namespace of the VM is deleted',
  'the demo workload is stopped',
  'the route is deleted',
  'the VM has another address',
  'the server has another address',
];

const scaledToZero = (lab: Simulated, name: string): void =>
  lab.cluster.store.edit('deployments.apps', 'sample', name, (object) => {
    (object['spec'] as { replicas: number }).replicas = 0;
  });

const CASES: readonly { readonly what: string; readonly breakLab: (lab: Simulated) => unknown }[] = [
  ...BREAKAGES.filter(({ what }) => SELECTED.includes(what)),
  {
    what: "helloworld's Service is deleted",
    breakLab: (lab) => lab.cluster.store.remove('services', 'sample', 'helloworld'),
  },
  {
    what: 'both versions of helloworld are scaled to 0',
    breakLab: async (lab) => {
      scaledToZero(lab, 'helloworld-v1');
      scaledToZero(lab, 'helloworld-v2');
      await lab.pass(10_000);
    },
  },
];

/** Runs the istio-vms command of a hint. */
const follow = (lab: Simulated, advice: string): Promise<RunResult> => {
  const [, command] = /^istio-vms (\S+)$/.exec(advice) ?? [];
  if (command === undefined) throw new Error(`not an istio-vms command: ${advice}`);
  return command === 'up' ? lab.up() : lab.step(command as StepCommand);
};
const textOf = ({ report: { error } }: Screen): string => `${error?.message ?? ''} → ${error?.facts.hint ?? ''}`;

describe('verify of a broken lab', () => {
  it('is tested with every selected breakage', () => {
    expect(CASES.filter(({ what }) => SELECTED.includes(what))).toHaveLength(SELECTED.length);
  });

  it.each(CASES)('ends within 20 seconds with a hint that repairs something when $what', async ({ breakLab }) => {
    const lab = watch(await labThatIsUp());
    await breakLab(lab);
    const before = await verifyScreen(lab);
    expect(before.report.error).toBeDefined();
    expect(before.ms).toBeLessThan(VERIFY_LIMIT_MS);
    const ran = await follow(lab, before.report.error?.facts.hint ?? '');
    expect(ran.report.error).toBeUndefined();
    expect(ran.changed).not.toEqual([]);
    const after = await verifyScreen(lab);
    expect(textOf(after)).not.toBe(textOf(before));
    expect(after.ms).toBeLessThan(VERIFY_LIMIT_MS);
  });

  it('reports cluster DNS that is scaled to 0, as status does, with the hint `istio-vms k3s`', async () => {
    const lab = watch(await labThatIsUp());
    await BREAKAGES.find(({ what }) => what === 'cluster DNS is scaled to 0')?.breakLab(lab);
    const { report } = await verifyScreen(lab);
    expect(report.error?.message).toMatch(
      /^nodes: coredns: scaled to 0; k3s-master, .* \(1 of 13 checks failed, 1 skipped\)$/,
    );
    expect(report.error?.facts.hint).toBe('istio-vms k3s');
    const rows = async (): Promise<readonly string[]> =>
      (await lab.drive(() => readStatus(lab.lab(), quiet)))
        .flatMap((section) => section.rows)
        .filter(({ what }) => what === 'cluster DNS')
        .map(({ ok, state }) => `${String(ok)} ${state}`);
    expect(await rows()).toEqual(['false scaled to 0']);
    await lab.step('k3s');
    expect(await rows()).toEqual(['true available']);
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('waits for cluster DNS that is starting', async () => {
    const lab = watch(await labThatIsUp());
    for (const { metadata } of lab.cluster.list('pods'))
      if (metadata.name.startsWith('coredns-')) lab.cluster.store.remove('pods', 'kube-system', metadata.name);
    expect((await lab.verify(['nodes'])).failed).toEqual([]);
  });

  it("names a user's NetworkPolicy that blocks egress of the sample, within 20 seconds", async () => {
    const lab = watch(await labThatIsUp());
    const policy = (name: string, egress: readonly object[]): void =>
      void lab.cluster.store.put({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name, namespace: 'sample' },
        spec: { podSelector: { matchLabels: { app: 'mesh-client' } }, policyTypes: ['Egress'], egress },
      });
    policy('no-egress', []);
    const { report, ms } = await verifyScreen(lab);
    expect(report.error?.message).toMatch(/^mesh-to-vm: .*; NetworkPolicy sample\/no-egress limits the traffic/);
    expect(report.error?.facts.hint).toMatch(/^kubectl .* -n sample get networkpolicies\.networking\.k8s\.io -o yaml$/);
    expect(ms).toBeLessThan(VERIFY_LIMIT_MS);
    lab.cluster.store.remove('networkpolicies.networking.k8s.io', 'sample', 'no-egress');
    policy('all-egress', [{}]);
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('reads the health only once with DEMO=off when no process listens on the port', async () => {
    const set = { DEMO: 'off' };
    const lab = watch(await labThatIsUp({ set }));
    const { report, ms } = await verifyScreen(lab);
    expect(report.error?.message).toMatch(
      /^health: Healthy is False; the port is served by nothing \(DEMO=off\) on port 8000 \(2 of 13/,
    );
    expect(ms).toBeLessThan(VERIFY_LIMIT_MS);
  });
});

describe('a failing request', () => {
  /** Makes requests of pods fail for this time without a visible cause in the cluster, as after a failure of istiod's node. */
  const failFor = (lab: Simulated, ms: number): void => {
    const until = lab.world.clock.now() + ms;
    const serve = lab.mesh.requestFromPod.bind(lab.mesh);
    lab.mesh.requestFromPod = (...request) =>
      lab.world.clock.now() < until
        ? { exit: 0, status: 503, body: 'upstream connect error', stderr: '' }
        : serve(...request);
  };

  it('is retried for half a minute when a pod has just changed', async () => {
    const lab = watch(await labThatIsUp());
    await lab.pass(300_000);
    const pod = lab.cluster.list('pods').find(({ metadata }) => metadata.name.startsWith('istiod-'));
    lab.cluster.store.remove('pods', 'istio-system', pod?.metadata.name ?? '');
    await lab.pass(30_000);
    failFor(lab, 30_000);
    const { report } = await verifyScreen(lab);
    expect(report.results.find(({ name }) => name === 'mesh-to-vm')).toMatchObject({
      ok: true,
      evidence: expect.stringMatching(/: 200 .* at try \d+$/) as string,
    });
  });

  it('is not retried for long in a lab without recent changes', async () => {
    const lab = watch(await labThatIsUp());
    await lab.pass(300_000);
    failFor(lab, 600_000);
    const { report, ms } = await verifyScreen(lab);
    expect(report.error?.message).toMatch(/^mesh-to-vm: .*503 upstream connect error/);
    expect(ms).toBeLessThan(VERIFY_LIMIT_MS);
  });

  it('is retried for a few seconds in a lab without recent changes', async () => {
    const lab = watch(await labThatIsUp());
    await lab.pass(300_000);
    failFor(lab, 13_000);
    expect((await lab.verify()).failed).toEqual([]);
  });
});
