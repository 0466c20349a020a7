import { quiet } from '../support/context.ts';
import { describe, expect, it } from 'vitest';
import {
  articleDenyAll,
  articleDenyEgress,
  denyEgressToVm,
  plainClientObjects,
  strictObject,
} from '../../src/kube/manifests/policies.ts';
import { inOneWorld } from './support/cli.ts';
import { labThatIsUp, refusals, type Simulated } from './support/simulated.ts';

const { watch } = refusals();
const POLICIES = 'networkpolicies.networking.k8s.io';
const AUTHENTICATION = 'peerauthentications.security.istio.io';
const OTHER_LAB = { 'app.kubernetes.io/managed-by': 'istio-vms', 'istio-vms/lab': 'other' };

/** Creates the temporary objects of `verify --strict --network-policy`, as a killed run leaves them. */
async function killedVerify(lab: Simulated): Promise<void> {
  const { config, kubectl, engine } = lab.lab();
  await lab.drive(async () => {
    const address = await engine.machine(config.workloads[0].name).address(quiet);
    await kubectl.apply(
      [
        ...plainClientObjects(config),
        strictObject(config),
        articleDenyAll(config, config.workloads[0]),
        articleDenyEgress(config, config.workloads[0]),
        denyEgressToVm(config, address),
      ],
      quiet,
    );
  });
}

const leftIn = ({ cluster }: Simulated): readonly string[] => [
  ...[...cluster.list(POLICIES), ...cluster.list(AUTHENTICATION)].map(({ metadata }) => metadata.name),
  ...(cluster.get('namespaces', undefined, 'istio-vms-plain') === undefined ? [] : ['istio-vms-plain']),
];

describe('temporary objects that a killed verify leaves behind', () => {
  it('are reported by plan and deleted by up, and a second up changes nothing', async () => {
    const lab = watch(await labThatIsUp());
    await killedVerify(lab);
    const found = (await lab.plan()).find(({ step }) => step.id === 'experiments')?.finding;
    expect(found).toMatchObject({ drifted: expect.stringContaining('sample/deny-egress-to-vm') as string });
    expect((await lab.up()).changed).toEqual(['experiments']);
    expect(leftIn(lab)).toEqual([]);
    expect((await lab.up()).changed).toEqual([]);
    expect((await lab.verify()).failed).toEqual([]);
  });

  it.each(['verify', 'verify mesh-to-vm'])('are listed by status and deleted by %s', async (line) => {
    const lab = watch(await labThatIsUp());
    await killedVerify(lab);
    const run = await inOneWorld(lab);
    const status = await run(['status']);
    for (const name of ['istio-system/default', 'vmns/deny-all', 'sample/deny-egress-tovm', 'istio-vms-plain'])
      expect(status.stdout).toContain(name);
    expect(status.stdout).toContain('5 objects left over from an interrupted `verify`; `istio-vms up` deletes them.');
    const verify = await run(line.split(' '));
    expect(verify.stderr).toContain('deny-egress-to-vm, left behind by an interrupted `verify`');
    expect(verify.code).toBe(0);
    expect(leftIn(lab)).toEqual([]);
    expect((await run(['status'])).stdout).not.toContain('Left over');
  });

  it('do not include objects of a user or another lab with the same names or labels', async () => {
    const lab = watch(await labThatIsUp());
    const { store } = lab.cluster;
    const policy = (name: string, namespace: string, labels: Record<string, string>) =>
      store.put({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name, namespace, labels },
        spec: { podSelector: { matchLabels: { app: 'none' } } },
      });
    policy('deny-egress-to-vm', 'sample', {});
    policy('deny-all', 'vmns', OTHER_LAB);
    policy('own', 'sample', { 'app.kubernetes.io/managed-by': 'istio-vms', 'istio-vms/lab': lab.config.lab });
    store.put({
      apiVersion: 'security.istio.io/v1beta1',
      kind: 'PeerAuthentication',
      metadata: { name: 'default', namespace: 'istio-system', labels: OTHER_LAB },
      spec: { mtls: { mode: 'PERMISSIVE' } },
    });
    const before = leftIn(lab);
    expect((await lab.up()).changed).toEqual([]);
    const run = await inOneWorld(lab);
    expect((await run(['status'])).stdout).not.toContain('Left over');
    expect((await run(['verify'])).code).toBe(0);
    expect(leftIn(lab)).toEqual(before);
    const [strict] = (await lab.verify(['strict'])).results.filter(({ name }) => name === 'strict');
    expect(strict?.evidence).toContain('a PeerAuthentication default that istio-vms did not create');
  });

  it('do not include a namespace that contains objects of the user', async () => {
    const lab = watch(await labThatIsUp());
    await killedVerify(lab);
    lab.cluster.store.put({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'mine', namespace: 'istio-vms-plain' },
    });
    expect((await lab.up()).changed).toEqual(['experiments']);
    expect(leftIn(lab)).toEqual(['istio-vms-plain']);
    expect((await lab.up()).changed).toEqual([]);
    const run = await inOneWorld(lab);
    expect((await run(['status'])).stdout).toContain('kept: it holds ConfigMap mine');
  });
});
