import { quiet } from '../support/context.ts';
import { describe, expect, it } from 'vitest';
import type { StepCommand } from '../../src/steps/lab-step.ts';
import { readStatus } from '../../src/verify/status.ts';
import { BREAKAGES } from './support/breakages.ts';
import { BAR_MS, verifyScreen, type Screen } from './support/screen.ts';
import { labThatIsUp, refusals, type Ran, type Simulated } from './support/simulated.ts';

const { watch } = refusals();

/** Of all harms those in which a request, a health or a machine's answer could be waited for. */
const CHOSEN = [
  'the VM is stopped',
  'a worker is purged',
  'a worker is stopped',
  "istiod is scaled to 0, and the gateway's Deployment is gone",
  'cluster DNS is scaled to 0',
  'the whole control plane is gone',
  "the namespace's network label is gone",
  'the cross-network gateway is gone',
  'the namespace of the VM is gone',
  'the demo workload is stopped',
  'the route is gone',
  "the VM's address is another one",
  "the server's address is another one",
];

const scaledToZero = (lab: Simulated, name: string): void =>
  lab.cluster.store.edit('deployments.apps', 'sample', name, (object) => {
    (object['spec'] as { replicas: number }).replicas = 0;
  });

const CASES: readonly { readonly what: string; readonly harm: (lab: Simulated) => unknown }[] = [
  ...BREAKAGES.filter(({ what }) => CHOSEN.includes(what)),
  {
    what: "helloworld's Service is gone",
    harm: (lab) => lab.cluster.store.remove('services', 'sample', 'helloworld'),
  },
  {
    what: 'both versions of helloworld are scaled to 0',
    harm: async (lab) => {
      scaledToZero(lab, 'helloworld-v1');
      scaledToZero(lab, 'helloworld-v2');
      await lab.pass(10_000);
    },
  },
];

/** Runs what an error advises: one command of ours. */
const follow = (lab: Simulated, advice: string): Promise<Ran> => {
  const [, command] = /^istio-vms (\S+)$/.exec(advice) ?? [];
  if (command === undefined) throw new Error(`not a command of ours: ${advice}`);
  return command === 'up' ? lab.up() : lab.step(command as StepCommand);
};
const textOf = ({ report: { error } }: Screen): string => `${error?.message ?? ''} → ${error?.facts.hint ?? ''}`;

describe('verify of a harmed lab', () => {
  it('is tried on every harm that was chosen', () => {
    expect(CASES.filter(({ what }) => CHOSEN.includes(what))).toHaveLength(CHOSEN.length);
  });

  it.each(CASES)('$what: answers within 20 seconds, and its first advice repairs something', async ({ harm }) => {
    const lab = watch(await labThatIsUp());
    await harm(lab);
    const before = await verifyScreen(lab);
    expect(before.report.error).toBeDefined();
    expect(before.ms).toBeLessThan(BAR_MS);
    const ran = await follow(lab, before.report.error?.facts.hint ?? '');
    expect(ran.report.error).toBeUndefined();
    expect(ran.changed).not.toEqual([]);
    const after = await verifyScreen(lab);
    expect(textOf(after)).not.toBe(textOf(before));
    expect(after.ms).toBeLessThan(BAR_MS);
  });

  it('cluster DNS at 0 is named by the check of the nodes and by status, and repaired by `istio-vms k3s`', async () => {
    const lab = watch(await labThatIsUp());
    await BREAKAGES.find(({ what }) => what === 'cluster DNS is scaled to 0')?.harm(lab);
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
    expect((await lab.verify()).red).toEqual([]);
  });

  it('cluster DNS that starts is waited for', async () => {
    const lab = watch(await labThatIsUp());
    for (const { metadata } of lab.cluster.list('pods'))
      if (metadata.name.startsWith('coredns-')) lab.cluster.store.remove('pods', 'kube-system', metadata.name);
    expect((await lab.verify(['nodes'])).red).toEqual([]);
  });

  it("a user's NetworkPolicy that stops egress of the sample is named, within 20 seconds", async () => {
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
    expect(ms).toBeLessThan(BAR_MS);
    lab.cluster.store.remove('networkpolicies.networking.k8s.io', 'sample', 'no-egress');
    policy('all-egress', [{}]);
    expect((await lab.verify()).red).toEqual([]);
  });

  it('reads the health once with DEMO=off when nothing listens', async () => {
    const set = { DEMO: 'off' };
    const lab = watch(await labThatIsUp({ set }));
    const { report, ms } = await verifyScreen(lab);
    expect(report.error?.message).toMatch(
      /^health: Healthy is False; the port is served by nothing \(DEMO=off\) on port 8000 \(2 of 13/,
    );
    expect(ms).toBeLessThan(BAR_MS);
  });
});

describe('a request that is not served', () => {
  /** Requests of pods fail for so long, as after the node of istiod went: nothing in the cluster shows it. */
  const failFor = (lab: Simulated, ms: number): void => {
    const until = lab.world.clock.now() + ms;
    const serve = lab.mesh.requestFromPod.bind(lab.mesh);
    lab.mesh.requestFromPod = (...request) =>
      lab.world.clock.now() < until
        ? { exit: 0, status: 503, body: 'upstream connect error', stderr: '' }
        : serve(...request);
  };

  it('is repeated for half a minute when a pod has just changed', async () => {
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

  it('is not repeated for long in a lab where nothing changes', async () => {
    const lab = watch(await labThatIsUp());
    await lab.pass(300_000);
    failFor(lab, 600_000);
    const { report, ms } = await verifyScreen(lab);
    expect(report.error?.message).toMatch(/^mesh-to-vm: .*503 upstream connect error/);
    expect(ms).toBeLessThan(BAR_MS);
  });

  it('is repeated there for a moment', async () => {
    const lab = watch(await labThatIsUp());
    await lab.pass(300_000);
    failFor(lab, 13_000);
    expect((await lab.verify()).red).toEqual([]);
  });
});
