import { describe, expect, it } from 'vitest';
import { inOneWorld } from './support/cli.ts';
import { labThatIsUp, refusals, type Simulated } from './support/simulated.ts';

const { watch } = refusals();
const CHANGED = ['--set', 'ISTIO_REVISION=blue'];

const planes = ({ cluster }: Simulated): readonly string[] =>
  cluster
    .list('deployments.apps')
    .map(({ metadata }) => metadata.name)
    .filter((name) => name.startsWith('istiod-'))
    .sort();
const routes = ({ cluster }: Simulated): readonly string[] =>
  cluster.list('virtualservices.networking.istio.io').map(({ metadata }) => metadata.name);

describe('the control plane of another ISTIO_REVISION', () => {
  it('is reported by status, deleted by up --prune, and the lab passes its checks', async () => {
    const lab = watch(await labThatIsUp());
    const run = await inOneWorld(lab);
    expect((await run(['up', '--skip-verify', ...CHANGED])).code).toBe(0);
    expect(planes(lab)).toEqual(['istiod-1-19-3', 'istiod-blue']);
    const status = await run(['status', ...CHANGED]);
    expect(status.stdout).toContain('istio-system/istiod-1-19-3');
    expect(status.stdout).toContain('1 control plane left over from previous settings');
    expect((await run(['up', '--prune', ...CHANGED])).code).toBe(0);
    expect(planes(lab)).toEqual(['istiod-blue']);
    expect(routes(lab)).toEqual(['istiod-vs-blue']);
    const webhooks = lab.cluster.list('mutatingwebhookconfigurations.admissionregistration.k8s.io');
    expect(webhooks.filter(({ metadata }) => metadata.labels?.['istio.io/rev'] === '1-19-3')).toEqual([]);
    expect((await run(['status', ...CHANGED])).stdout).not.toContain('Left over');
    expect((await run(['up', '--prune', ...CHANGED])).writes).toEqual([]);
  });

  it('is kept while a namespace of the user needs it, and status names the namespace', async () => {
    const lab = watch(await labThatIsUp());
    const run = await inOneWorld(lab);
    const user = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'mine', labels: { 'istio.io/rev': '1-19-3' } },
    };
    lab.cluster.store.put(user);
    expect((await run(['up', '--prune', ...CHANGED])).code).toBe(0);
    expect(planes(lab)).toEqual(['istiod-1-19-3', 'istiod-blue']);
    expect(routes(lab)).toContain('istiod-vs-1-19-3');
    expect((await run(['status', ...CHANGED])).stdout).toContain('kept: it is used by Namespace mine');
  });

  it('is not deleted when another IstioOperator file has installed it', async () => {
    const lab = watch(await labThatIsUp());
    const run = await inOneWorld(lab);
    expect((await run(['up', '--skip-verify', ...CHANGED])).code).toBe(0);
    lab.cluster.store.edit('deployments.apps', 'istio-system', 'istiod-1-19-3', ({ metadata }) => {
      (metadata.labels as Record<string, string>)['install.operator.istio.io/owning-resource'] = 'foreign';
    });
    expect((await run(['up', '--prune', ...CHANGED])).code).toBe(0);
    expect(planes(lab)).toEqual(['istiod-1-19-3', 'istiod-blue']);
  });
});
