import { describe, expect, it } from 'vitest';
import { findingText } from '../../src/plan/text.ts';
import { guestText } from '../../src/rehearsal/guest/files.ts';
import { ofKind, parseObject } from '../../src/kube/object.ts';
import { proxyDifference } from '../../src/steps/proxies.ts';
import { labThatIsUp, LINUX, refusals, simulated } from './support/simulated.ts';

const { watch } = refusals();

/** Another configuration for a lab that is up, and the findings of `plan` by step. */
const DRIFTS: readonly (readonly [Readonly<Record<string, string>>, Readonly<Record<string, RegExp>>])[] = [
  [{ WORKERS: '3' }, { 'worker-3': /^no machine k3s-worker-3$/, 'k3s-agent-3': /^waits for machine k3s-worker-3$/ }],
  [{ WORKERS: '1' }, { 'spare-workers': /k3s-worker-2: more than WORKERS=1 asks for/ }],
  [
    { EWG_PORT_TLS_ISTIOD: '15812' },
    { eastwest: /other ports or settings/, workload: /CA_ADDR is istiod-1-19-3\.istio-system\.svc:15013/ },
  ],
  [
    { ISTIO_VERSION: '1.19.10' },
    {
      istioctl: /no .*istioctl-1\.19\.10/,
      istio: /^waits for istioctl 1\.19\.10$/,
      'sidecar-package': /^waits for sidecar package 1\.19\.10$/,
    },
  ],
  [{ VM_APP_PORT: '8081' }, { workload: /WorkloadGroup .* has other spec/, demo: /drift on .*demo/ }],
  [{ SERVICE_ACCOUNT: 'other' }, { workload: /no ServiceAccount .*other/ }],
  // Every namespace already has this ServiceAccount.
  [{ SERVICE_ACCOUNT: 'default' }, { workload: /ServiceAccount vmns\/default has other labels/ }],
  [{ VM_NAMESPACE: 'otherns' }, { workload: /no Namespace otherns/ }],
  [{ VM_NETWORK: 'other-network' }, { workload: /WorkloadGroup .* has other spec/ }],
  // Existing proxies and workload files have the old name.
  [
    { ISTIO_CLUSTER: 'other' },
    {
      istio: /installed with other settings|its proxy has cluster "test"/,
      eastwest: /other ports or settings/,
      sample: /its sidecar has cluster "test"/,
      workload: /another workload group or control plane/,
    },
  ],
  [
    { ISTIO_MESH_ID: 'other' },
    {
      istio: /installed with other settings/,
      sample: /its sidecar has mesh "vmmesh"/,
      workload: /another workload group or control plane/,
    },
  ],
  [
    { CLUSTER_NETWORK: 'other' },
    { istio: /installed with other settings/, sample: /its sidecar has network "kube-network"/ },
  ],
];

describe('another configuration on a lab that is up', () => {
  it.each(DRIFTS)('is reported by plan and applied by up: %o', async (set, expected) => {
    const lab = watch(await labThatIsUp());
    const findings = Object.fromEntries(
      (await lab.plan({ set })).map(({ step, finding }) => [step.id, findingText(finding)]),
    );
    for (const [id, pattern] of Object.entries(expected)) expect(findings[id]).toMatch(pattern);
    const { report, changed } = await lab.up({ set });
    expect(report.error).toBeUndefined();
    expect(changed).toEqual(expect.arrayContaining(Object.keys(expected)));
    expect((await lab.plan({ set })).filter(({ finding }) => finding !== 'ready')).toEqual([]);
    expect((await lab.verify([], { set })).failed).toEqual([]);
    const config = lab.configOf(set);
    const namespaces = ['sample', config.istio.namespace];
    const pods = ofKind(lab.cluster.list('pods').map(parseObject), 'Pod').filter(({ metadata }) =>
      namespaces.includes(metadata.namespace ?? ''),
    );
    expect(pods.map((pod) => proxyDifference(pod, config)).filter((difference) => difference !== undefined)).toEqual(
      [],
    );
    const env = guestText(lab.machine(config.workloads[0].name), '/var/lib/istio/envoy/cluster.env') ?? '';
    expect(env).toContain(`ISTIO_META_CLUSTER_ID="${config.istio.cluster}"`);
  });

  it('is refused for another ISTIO_NAMESPACE, before anything in the cluster is changed', async () => {
    const lab = watch(await labThatIsUp());
    const set = { ISTIO_NAMESPACE: 'other-system' };
    const { report, commands } = await lab.up({ set });
    expect(report.error?.message).toContain(
      'This cluster has a control plane of this lab in namespace istio-system, and ISTIO_NAMESPACE is other-system.',
    );
    expect(report.error?.facts.hint).toContain('ISTIO_NAMESPACE=istio-system');
    const writes = commands.filter(
      ({ effect, command }) => effect === 'write' && /kubectl|istioctl/.test(command.file),
    );
    expect(writes).toEqual([]);
    expect((await lab.verify()).failed).toEqual([]);
  });

  it('is applied to the mesh settings of the VM when the overlay changes', async () => {
    const overlay = (concurrency: number): string =>
      `apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  meshConfig: { defaultConfig: { concurrency: ${concurrency} } }\n`;
    const lab = watch(simulated({ set: { ISTIO_OVERLAY: 'overlay.yaml' } }));
    const path = `${LINUX.cwd}/overlay.yaml`;
    await lab.files.write(path, overlay(2));
    expect((await lab.up()).report.error).toBeUndefined();
    await lab.files.write(path, overlay(3));
    const { report, changed } = await lab.up();
    expect(report.error).toBeUndefined();
    expect(changed).toEqual(expect.arrayContaining(['istio', 'workload', 'sidecar']));
    expect(guestText(lab.machine(lab.config.workloads[0].name), '/etc/istio/config/mesh')).toContain('concurrency: 3');
    expect((await lab.up()).changed).toEqual([]);
  });
});
