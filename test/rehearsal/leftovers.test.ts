import { quiet } from '../support/context.ts';
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../src/plan/plan.ts';
import { runPlan } from '../../src/plan/run.ts';
import { leftoverName } from '../../src/steps/left-objects.ts';
import { findLeftovers, leftoversStep } from '../../src/steps/leftovers.ts';
import { labSteps } from '../../src/steps/steps.ts';
import { labThatIsUp, refusals, type Simulated } from './support/simulated.ts';

const { watch } = refusals();
const FORMER = [
  'Namespace vmns',
  'Service vmns/external-app',
  'ServiceAccount vmns/vmsa',
  'WorkloadGroup vmns/external-app',
];

const leftoversOf = async (lab: Simulated, set: Record<string, string>) =>
  [...(await lab.drive(() => findLeftovers(lab.lab({ set }), quiet)))].sort((a, b) =>
    leftoverName(a) < leftoverName(b) ? -1 : 1,
  );

/** Does what `up --prune` does; returns the steps that changed something. */
async function prune(lab: Simulated, set: Record<string, string>): Promise<readonly string[]> {
  const app = lab.lab({ set });
  const plan = makePlan([...labSteps(app), leftoversStep(app)], { kind: 'apply', targets: 'all' });
  const signal = new AbortController().signal;
  const { error, steps } = await lab.drive(() => runPlan({ plan, clock: app.system.clock, signal }));
  expect(error).toBeUndefined();
  return steps.filter(({ outcome }) => outcome === 'changed').map(({ id }) => id);
}

const object = (kind: string, name: string, namespace?: string, labels?: Record<string, string>) => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, ...(namespace !== undefined && { namespace }), ...(labels && { labels }) },
});

describe('objects left over from previous settings', () => {
  const set = { VM_NAMESPACE: 'shops' };

  it('do not exist in a lab whose settings have not changed', async () => {
    expect(await leftoversOf(watch(await labThatIsUp()), {})).toEqual([]);
  });

  it('of another VM_NAMESPACE are found, deleted by up --prune, and do not come back', async () => {
    const lab = watch(await labThatIsUp());
    expect((await lab.up({ set })).report.error).toBeUndefined();
    expect((await leftoversOf(lab, set)).map(leftoverName)).toEqual(FORMER);
    expect(await prune(lab, set)).toEqual(['leftovers']);
    expect(await leftoversOf(lab, set)).toEqual([]);
    expect(lab.cluster.store.get('namespaces', undefined, 'vmns')).toBeUndefined();
    expect(await prune(lab, set)).toEqual([]);
    expect((await lab.verify([], { set })).failed).toEqual([]);
  });

  it('of another VM_APP and SERVICE_ACCOUNT are deleted without their namespace, which is still used', async () => {
    const lab = watch(await labThatIsUp());
    const other = { VM_APP: 'shop', SERVICE_ACCOUNT: 'clerk' };
    await lab.up({ set: other });
    expect((await leftoversOf(lab, other)).map(leftoverName)).toEqual(FORMER.slice(1));
    await prune(lab, other);
    expect(await leftoversOf(lab, other)).toEqual([]);
    expect(lab.cluster.store.get('namespaces', undefined, 'vmns')).toBeDefined();
    expect((await lab.verify([], { set: other })).failed).toEqual([]);
  });

  it('do not include objects without a label of this lab, nor a namespace that contains such objects', async () => {
    const lab = watch(await labThatIsUp());
    await lab.up({ set });
    const { store } = lab.cluster;
    const otherLab = { 'app.kubernetes.io/managed-by': 'istio-vms', 'istio-vms/lab': 'other' };
    store.put(object('ConfigMap', 'mine', 'vmns'));
    store.put(object('Namespace', 'foreign', undefined, otherLab));
    store.put(object('ServiceAccount', 'foreign', 'shops', otherLab));
    store.put({ ...object('Service', 'user-service', 'shops'), spec: {} });
    const found = await leftoversOf(lab, set);
    expect(found.map(leftoverName)).toEqual(FORMER);
    expect(found.map(({ holds }) => holds)).toEqual(['ConfigMap mine', undefined, undefined, undefined]);
    await prune(lab, set);
    expect((await leftoversOf(lab, set)).map(leftoverName)).toEqual(['Namespace vmns']);
    expect(store.get('configmaps', 'vmns', 'mine')).toBeDefined();
    expect(store.get('namespaces', undefined, 'foreign')).toBeDefined();
    expect(store.get('serviceaccounts', 'shops', 'foreign')).toBeDefined();
    expect(store.get('services', 'shops', 'user-service')).toBeDefined();
    expect(await prune(lab, set)).toEqual([]);
  });

  it('do not include a control plane of another ISTIO_NAMESPACE', async () => {
    const lab = watch(await labThatIsUp());
    const names = (await leftoversOf(lab, { ISTIO_NAMESPACE: 'mesh' })).map(leftoverName);
    expect(names).toEqual([]);
  });

  it('are deleted with the machines by up --delete', async () => {
    const lab = watch(await labThatIsUp());
    await lab.up({ set });
    await lab.down({ set });
    expect([...lab.world.engine.instances.keys()]).toEqual([]);
  });
});
