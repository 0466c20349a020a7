import { describe, expect, it } from 'vitest';
import { long, sampled } from '../support/sampled.ts';
import { inOneWorld } from './support/cli.ts';
import { upTwice } from './support/healthy.ts';
import { refusals, shipped, simulated } from './support/simulated.ts';

const { watch } = refusals();

describe('other configurations', () => {
  const CONFIGURATIONS: readonly [string, Record<string, string>][] = [
    ['one worker', { WORKERS: '1' }],
    ['three workers, one launch at a time', { WORKERS: '3', LAUNCHES: '1' }],
    ['eight workers, eight launches', { WORKERS: '8', LAUNCHES: '8' }],
    ['a small lab', { LAB_SIZE: 'small' }],
    ['a small lab with the newest Istio', { LAB_SIZE: 'small', ISTIO_VERSION: shipped.versions.newestTested }],
    ['the same ports outside as inside the cluster', { EWG_PORT_TLS_ISTIOD: '15012', EWG_PORT_TLS_WEBHOOK: '15017' }],
    [
      'other ports outside the cluster',
      { EWG_PORT_TLS_ISTIOD: '25012', EWG_PORT_STATUS: '25021', EWG_PORT_TLS_WEBHOOK: '25017' },
    ],
    ['other ports inside the cluster', { DEFAULT_PORT_TLS_ISTIOD: '15112', DEFAULT_PORT_TLS_WEBHOOK: '15117' }],
    [
      'other names for everything',
      {
        LAB_NAME: 'second',
        NODE_PREFIX: 'node',
        WORKLOAD_VM_NAME: 'outsider',
        VM_APP: 'shop',
        VM_NAMESPACE: 'shops',
        SERVICE_ACCOUNT: 'keeper',
        CLUSTER_NETWORK: 'inside',
        VM_NETWORK: 'outside',
        ISTIO_MESH_ID: 'onemesh',
        ISTIO_CLUSTER: 'first',
        ISTIO_NAMESPACE: 'mesh-system',
        ISTIO_REVISION: 'blue',
        VM_APP_PORT: '8080',
      },
    ],
    ['podman', { CONTAINER_TOOL: 'podman' }],
    ['another Ubuntu release', { RUN_OS: '24.04' }],
  ];
  it.each(sampled(CONFIGURATIONS, 8))('create a lab that passes its checks: %s', async (_name, set) => {
    watch((await upTwice({ set })).lab);
  });

  it('pass an overlay to istioctl after the generated file, and report drift when it changes', async () => {
    const overlay = (cpu: string): string =>
      `apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  components:\n    pilot:\n      k8s:\n        resources:\n          requests:\n            cpu: ${cpu}\n`;
    const set = { ISTIO_OVERLAY: 'overlay.yaml' };
    const { lab, first } = await upTwice({ set, seedFiles: { '/home/u/lab/overlay.yaml': overlay('100m') } });
    watch(lab);
    const install = first.writes.find((line) => line.includes('control-plane.yaml'));
    expect(install).toMatch(/--filename \S+\/control-plane\.yaml --filename \/home\/u\/lab\/overlay\.yaml /);

    await lab.files.write('/home/u/lab/overlay.yaml', overlay('150m'));
    const finding = (await lab.plan()).find(({ step }) => step.id === 'istio')?.finding;
    expect(finding).toEqual({ drifted: 'the control plane was installed with other settings' });
    expect((await lab.up()).changed).toEqual(['istio']);
    expect((await lab.up()).changed).toEqual([]);
  });
});

describe('a second `up` at the terminal', () => {
  it('changes nothing, says so, and runs at most twelve commands', async () => {
    const run = await inOneWorld(watch(simulated()));
    const first = await run(['up']);
    expect(first.code).toBe(0);
    expect(first.stdout).toContain('13 of 13 checks passed');
    expect(first.stdout).toMatch(/\d+ steps applied/);

    const second = await run(['up']);
    expect(second.code).toBe(0);
    expect(second.writes).toEqual([]);
    expect(second.reads.length).toBeLessThanOrEqual(12);
    expect(second.stdout).toContain('Everything is up to date; nothing changed.');
    expect(second.stdout).toContain('12 of 12 checks passed');
    expect(second.stdout).toContain('Checks that change the lab were skipped');
  });

  it('skips the checks with --skip-verify', async () => {
    const run = await inOneWorld(watch(simulated()));
    await run(['up', '--skip-verify']);
    const second = await run(['up', '--skip-verify']);
    expect(second.code).toBe(0);
    expect(second.stdout).not.toContain('checks passed');
    expect(second.reads.length).toBeLessThanOrEqual(7);
  });
});

describe.runIf(long)('a configuration that changes', () => {
  it('adds workers and removes surplus workers', async () => {
    const lab = watch(simulated());
    await lab.up();
    const more = await lab.up({ set: { WORKERS: '3' } });
    expect(more.report.error).toBeUndefined();
    expect(more.changed).toEqual(expect.arrayContaining(['worker-3', 'k3s-agent-3']));
    expect(more.changed).not.toContain('istio');

    const fewer = await lab.up({ set: { WORKERS: '1' } });
    expect(fewer.report.error).toBeUndefined();
    expect([...lab.world.engine.instances.keys()].sort()).toEqual([
      'k3s-master',
      'k3s-worker-1',
      'vm-istio-external-workload',
    ]);
    expect((await lab.verify([], { set: { WORKERS: '1' } })).failed).toEqual([]);
  });

  it('applies other ports outside the cluster to the VM', async () => {
    const lab = watch(simulated());
    await lab.up();
    const set = { EWG_PORT_TLS_ISTIOD: '15112' };
    const run = await lab.up({ set });
    expect(run.report.error).toBeUndefined();
    expect(run.changed).toEqual(expect.arrayContaining(['eastwest', 'workload', 'sidecar']));
    expect((await lab.verify([], { set })).failed).toEqual([]);
  });

  it('applies another application port to the probe, the demo workload and the route', async () => {
    const lab = watch(simulated());
    await lab.up();
    const set = { VM_APP_PORT: '9000' };
    const run = await lab.up({ set });
    expect(run.report.error).toBeUndefined();
    expect(run.changed).toEqual(expect.arrayContaining(['workload', 'sidecar', 'demo', 'route']));
    expect((await lab.verify([], { set })).failed).toEqual([]);
  });

  it('installs a newer Istio next to the old one and moves the VM to it', async () => {
    const lab = watch(simulated({ set: { K3S_VERSION: 'v1.28.15+k3s1' } }));
    await lab.up();
    const set = { ISTIO_VERSION: '1.20.8' };
    const run = await lab.up({ set });
    expect(run.report.error).toBeUndefined();
    expect((await lab.verify([], { set })).failed).toEqual([]);
    expect((await lab.up({ set })).changed).toEqual([]);
  });
});
