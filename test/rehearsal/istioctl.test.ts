import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/rehearsal/world.ts';
import { labThatIsUp, refusals, simulated } from './support/simulated.ts';

const { watch } = refusals();
const OVERLAY = '/home/u/lab/overlay.yaml';
const operator = (spec: string): string => `apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n${spec}`;

interface Deployed extends KubeObject {
  spec: {
    selector: { matchLabels: Record<string, string> };
    template: { spec: { containers: { image: string; imagePullPolicy?: string }[] } };
  };
}

const gatewayOf = (lab: ReturnType<typeof simulated>, namespace = 'istio-system') =>
  lab.cluster.get('deployments.apps', namespace, 'istio-eastwestgateway') as Deployed | undefined;

describe('ISTIO_NAMESPACE other than istio-system', () => {
  // A second install of 1.19.3 deletes the tag, so that `tag set` runs too.
  it('creates a lab that passes its checks, and sets the tag again after a second install', async () => {
    const set = { ISTIO_NAMESPACE: 'mesh' };
    const lab = watch(await labThatIsUp({ set }));
    expect((await lab.verify()).failed).toEqual([]);
    await lab.files.write(OVERLAY, operator('  values: { global: { logAsJson: true } }'));
    const over = { set: { ISTIO_OVERLAY: OVERLAY } };
    const { report, writes } = await lab.up(over);
    expect(report.error).toBeUndefined();
    expect(writes.some((line) => line.includes('tag set default'))).toBe(true);
    expect((await lab.up(over)).changed).toEqual([]);
  });
});

describe('the image policy of the east-west gateway', () => {
  it('is IfNotPresent, so that an image on the node is used', async () => {
    const lab = watch(await labThatIsUp());
    expect(gatewayOf(lab)?.spec.template.spec.containers[0]?.imagePullPolicy).toBe('IfNotPresent');
  });

  it('is that of the overlay, and a changed overlay is installed again', async () => {
    const lab = watch(await labThatIsUp());
    await lab.files.write(OVERLAY, operator('  values: { global: { imagePullPolicy: Never } }'));
    const { changed } = await lab.up({ set: { ISTIO_OVERLAY: OVERLAY } });
    expect(changed).toContain('eastwest');
    expect(gatewayOf(lab)?.spec.template.spec.containers[0]?.imagePullPolicy).toBe('Never');
  });
});

describe('another CLUSTER_NETWORK on a lab that is up', () => {
  it('recreates the gateway, because its selector is immutable, and the lab passes its checks', async () => {
    const lab = watch(await labThatIsUp());
    const before = gatewayOf(lab)?.metadata.uid;
    const over = { set: { CLUSTER_NETWORK: 'other-network' } };
    const { report, messages } = await lab.up(over);
    expect(report.error).toBeUndefined();
    expect(messages.join('\n')).toContain('recreating Deployment istio-system/istio-eastwestgateway');
    expect(gatewayOf(lab)?.metadata.uid).not.toBe(before);
    expect(gatewayOf(lab)?.spec.selector.matchLabels['topology.istio.io/network']).toBe('other-network');
    expect((await lab.verify([], over)).failed).toEqual([]);
    expect((await lab.up(over)).changed).toEqual([]);
  });
});

describe('a pod that does not start', () => {
  it('ends the install long before its timeout, with the reason of the pod and a hint', async () => {
    const lab = watch(simulated());
    await lab.files.write(OVERLAY, operator('  tag: 9.9.9-nonesuch'));
    const begin = lab.world.clock.now();
    const { report, messages } = await lab.up({ set: { ISTIO_OVERLAY: OVERLAY } });
    const { error } = report;
    expect(error?.reason).toBe('artifact-not-found');
    expect(error?.message).toMatch(/istiod-1-19-3-\w+-\w+: ErrImagePull \(.*9\.9\.9-nonesuch/);
    expect(error?.facts.hint).toContain('`hub` and `tag`');
    expect(messages.some((line) => line.startsWith('istio: waiting for istiod-1-19-3-'))).toBe(true);
    const istio = report.steps.find(({ id }) => id === 'istio');
    expect((istio?.endedAt ?? Infinity) - (istio?.startedAt ?? begin)).toBeLessThan(90_000);
  });
});

describe('an interrupt during `istioctl install`', () => {
  it('ends it at once, and the next run completes it', async () => {
    const lab = watch(simulated());
    const interrupt = new AbortController();
    let at = Infinity;
    await lab.files.write(OVERLAY, operator('  tag: 9.9.9-nonesuch'));
    const interrupted = await lab.up({
      signal: interrupt.signal,
      set: { ISTIO_OVERLAY: OVERLAY },
      onEvent: (event) => {
        if (event.type !== 'step-said' || !event.text.startsWith('istioctl: waiting for')) return;
        lab.world.clock.after(500, () => {
          at = lab.world.clock.now();
          interrupt.abort();
        });
      },
    });
    expect(interrupted.report.error?.reason).toBe('interrupted');
    // Only istioctl ends at once; workers that are joining the cluster finish.
    const istio = interrupted.report.steps.find(({ id }) => id === 'istio');
    expect((istio?.endedAt ?? Infinity) - at).toBeLessThan(5_000);
    expect((await lab.up()).report.error).toBeUndefined();
  });
});
