import { describe, expect, it } from 'vitest';
import { findingText } from '../../src/plan/words.ts';
import { labThatIsUp, refusals } from './support/simulated.ts';

const { watch } = refusals();

/** Another configuration on a lab that is up, and what `plan` says of it: the step that differs, and why. */
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
  [{ VM_APP_PORT: '8081' }, { workload: /WorkloadGroup .* has other spec/, demo: /not as wanted on .*demo/ }],
  [{ SERVICE_ACCOUNT: 'other' }, { workload: /no ServiceAccount .*other/ }],
  // Every namespace has this one already.
  [{ SERVICE_ACCOUNT: 'default' }, { workload: /ServiceAccount vmns\/default has other labels/ }],
  [{ VM_NAMESPACE: 'otherns' }, { workload: /no Namespace otherns/ }],
];

describe('another configuration on a lab that is up', () => {
  it.each(DRIFTS)('%o: the drift is named, mended, and gone', async (set, named) => {
    const lab = watch(await labThatIsUp());
    const findings = Object.fromEntries(
      (await lab.plan({ set })).map(({ step, finding }) => [step.id, findingText(finding)]),
    );
    for (const [id, words] of Object.entries(named)) expect(findings[id]).toMatch(words);
    const { report, changed } = await lab.up({ set });
    expect(report.error).toBeUndefined();
    expect(changed).toEqual(expect.arrayContaining(Object.keys(named)));
    expect((await lab.plan({ set })).filter(({ finding }) => finding !== 'ready')).toEqual([]);
    expect((await lab.verify([], { set })).red).toEqual([]);
  });
});
