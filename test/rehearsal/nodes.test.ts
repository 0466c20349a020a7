import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/rehearsal/world.ts';
import { findingText } from '../../src/plan/text.ts';
import { labThatIsUp, refusals, type Simulated } from './support/simulated.ts';

const { watch } = refusals();

/** Restarts a machine with another address, as after a new DHCP lease. */
const restartWithOtherAddress = async (lab: Simulated, name: string, settleMs: number): Promise<void> => {
  await lab.shell(`multipass stop ${name}`);
  lab.machine(name).address = `192.168.64.${200 + lab.world.engine.instances.size}`;
  await lab.shell(`multipass start ${name} --timeout 300`);
  await lab.pass(settleMs);
};

const readyOf = (lab: Simulated, name: string): string | undefined => {
  const status = lab.cluster.get('nodes', undefined, name)?.['status'] as
    { conditions: { type: string; status: string }[] } | undefined;
  return status?.conditions.find(({ type }) => type === 'Ready')?.status;
};

const addressOf = (lab: Simulated, name: string): string | undefined => {
  const node = lab.cluster.get('nodes', undefined, name) as
    (KubeObject & { status: { addresses: { address: string }[] } }) | undefined;
  return node?.status.addresses[0]?.address;
};

describe('a server whose address has changed', () => {
  it('is joined by its workers again in the same run, although the cluster still reports them Ready', async () => {
    const lab = watch(await labThatIsUp());
    await restartWithOtherAddress(lab, 'k3s-master', 20_000);
    const run = await lab.up();
    expect(run.report.error).toBeUndefined();
    expect(run.changed).toEqual(expect.arrayContaining(['k3s-server', 'k3s-agent-1', 'k3s-agent-2']));
    // By then, nodes without a connection would be reported as Unknown.
    await lab.pass(180_000);
    expect(['k3s-master', 'k3s-worker-1', 'k3s-worker-2'].map((name) => readyOf(lab, name))).toEqual([
      'True',
      'True',
      'True',
    ]);
    expect((await lab.verify()).failed).toEqual([]);
    expect((await lab.up()).changed).toEqual([]);
  });

  it('is repaired without its workers by one step, and plan then reports the workers', async () => {
    const lab = watch(await labThatIsUp());
    await restartWithOtherAddress(lab, 'k3s-master', 20_000);
    await lab.run({ kind: 'apply', targets: ['k3s-server'] });
    const finding = (await lab.plan()).find(({ step }) => step.id === 'k3s-agent-1')?.finding ?? 'ready';
    expect(findingText(finding)).toMatch(/joined with another server address/);
  });
});

describe('a worker whose address has changed', () => {
  it('is ready only when its node has the new address', async () => {
    const lab = watch(await labThatIsUp());
    await restartWithOtherAddress(lab, 'k3s-worker-2', 1_000);
    const run = await lab.up();
    expect(run.report.error).toBeUndefined();
    expect(addressOf(lab, 'k3s-worker-2')).toBe(lab.machine('k3s-worker-2').address);
  });
});

describe('a server that has just started again', () => {
  it('is not ready as long as only the node status from before the restart says so', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell('multipass stop k3s-master');
    await lab.pass(60_000);
    await lab.shell('multipass start k3s-master --timeout 300');
    while (!lab.cluster.ready()) await lab.pass(100);
    expect(readyOf(lab, 'k3s-master')).toBe('True');
    const finding = (await lab.plan()).find(({ step }) => step.id === 'nodes')?.finding ?? 'ready';
    expect(findingText(finding)).toMatch(/k3s-master.*no heartbeat|waits for/);
    expect((await lab.up()).report.error).toBeUndefined();
    expect((await lab.verify()).failed).toEqual([]);
  });
});

describe('a surplus worker', () => {
  const oneWorker = { set: { WORKERS: '1' } };

  it('is drained before its machine is deleted, and no step waits for its terminating pods', async () => {
    const lab = watch(await labThatIsUp());
    const run = await lab.up(oneWorker);
    expect(run.report.error).toBeUndefined();
    const drained = run.writes.findIndex((line) => line.startsWith('kubectl drain k3s-worker-2'));
    const deleted = run.writes.findIndex((line) => /multipass delete .*k3s-worker-2/.test(line));
    expect(drained).toBeGreaterThanOrEqual(0);
    expect(deleted).toBeGreaterThan(drained);
    const step = run.report.steps.find(({ id }) => id === 'spare-workers');
    expect((step?.endedAt ?? Infinity) - (step?.startedAt ?? 0)).toBeLessThan(45_000);
    expect(run.messages.join('\n')).not.toMatch(/on nodes that are gone/);
    expect((await lab.verify([], oneWorker)).failed).toEqual([]);
  });

  it('is removed with its pods and without a drain when its kubelet does not report', async () => {
    const lab = watch(await labThatIsUp());
    await lab.shell('multipass stop k3s-worker-2');
    await lab.pass(90_000);
    const run = await lab.up(oneWorker);
    expect(run.report.error).toBeUndefined();
    expect(run.writes.some((line) => line.startsWith('kubectl drain'))).toBe(false);
    const pods = lab.cluster.list('pods') as (KubeObject & { spec: { nodeName?: string } })[];
    expect(pods.filter(({ spec }) => spec.nodeName === 'k3s-worker-2')).toEqual([]);
    expect((await lab.verify([], oneWorker)).failed).toEqual([]);
  });

  it('is removed without waiting for foreign Deployments that were unavailable before', async () => {
    const lab = watch(await labThatIsUp());
    lab.cluster.store.apply(
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'foreign', namespace: 'default' },
        spec: {
          replicas: 0,
          selector: { matchLabels: { app: 'foreign' } },
          template: { metadata: { labels: { app: 'foreign' } }, spec: { containers: [{ name: 'a', image: 'a' }] } },
        },
      },
      'user',
    );
    await lab.pass(5_000);
    expect((await lab.up(oneWorker)).report.error).toBeUndefined();
  });
});

describe('a worker whose token is wrong', () => {
  it.each([
    ['of another cluster', (token: string) => token.replace(/^K10.{64}/, `K10${'0'.repeat(64)}`), /token CA hash/],
    ['unknown to the server', (token: string) => token.replace(/[^:]*$/, 'wrong'), /401 Unauthorized/],
  ])('(%s) fails within a minute and reports the reason', async (_, change, text) => {
    const lab = watch(await labThatIsUp());
    const file = lab.machine('k3s-master').files.get('/var/lib/rancher/k3s/server/agent-token');
    if (file === undefined) throw new Error('no token on the server');
    file.content = change(Buffer.from(file.content as Uint8Array).toString('utf8'));
    await lab.shell('multipass delete --purge k3s-worker-2');
    const { report } = await lab.up();
    const step = report.steps.find(({ id }) => id === 'k3s-agent-2');
    expect(step?.error).toMatchObject({ reason: 'guest-failed', message: expect.stringMatching(text) as string });
    expect((step?.endedAt ?? Infinity) - (step?.workedAt ?? 0)).toBeLessThan(60_000);
  });
});
