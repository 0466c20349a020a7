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
  // 1.19.3 loses its tag at a second install, so that `tag set` is run too.
  it('brings up a lab that is verified, and sets the lost tag again', async () => {
    const set = { ISTIO_NAMESPACE: 'mesh' };
    const lab = watch(await labThatIsUp({ set }));
    expect((await lab.verify()).red).toEqual([]);
    await lab.files.write(OVERLAY, operator('  values: { global: { logAsJson: true } }'));
    const over = { set: { ISTIO_OVERLAY: OVERLAY } };
    const { report, writes } = await lab.up(over);
    expect(report.error).toBeUndefined();
    expect(writes.some((line) => line.includes('tag set default'))).toBe(true);
    expect((await lab.up(over)).changed).toEqual([]);
  });
});

describe('the image policy of the east-west gateway', () => {
  it('is IfNotPresent, so that an image on the node suffices', async () => {
    const lab = watch(await labThatIsUp());
    expect(gatewayOf(lab)?.spec.template.spec.containers[0]?.imagePullPolicy).toBe('IfNotPresent');
  });

  it('is the one of the overlay where that has one, and a changed overlay is installed again', async () => {
    const lab = watch(await labThatIsUp());
    await lab.files.write(OVERLAY, operator('  values: { global: { imagePullPolicy: Never } }'));
    const { changed } = await lab.up({ set: { ISTIO_OVERLAY: OVERLAY } });
    expect(changed).toContain('eastwest');
    expect(gatewayOf(lab)?.spec.template.spec.containers[0]?.imagePullPolicy).toBe('Never');
  });
});

describe('another CLUSTER_NETWORK on a lab that is up', () => {
  it('makes the gateway anew, for its selector cannot change, and the lab is verified', async () => {
    const lab = watch(await labThatIsUp());
    const before = gatewayOf(lab)?.metadata.uid;
    const over = { set: { CLUSTER_NETWORK: 'other-network' } };
    const { report, said } = await lab.up(over);
    expect(report.error).toBeUndefined();
    expect(said.join('\n')).toContain('recreating Deployment istio-system/istio-eastwestgateway');
    expect(gatewayOf(lab)?.metadata.uid).not.toBe(before);
    expect(gatewayOf(lab)?.spec.selector.matchLabels['topology.istio.io/network']).toBe('other-network');
    expect((await lab.verify([], over)).red).toEqual([]);
    expect((await lab.up(over)).changed).toEqual([]);
  });
});

describe('pods that do not start', () => {
  it('ends the install long before its time-out, with the reason of the pod and what to do', async () => {
    const lab = watch(simulated());
    await lab.files.write(OVERLAY, operator('  tag: 9.9.9-nonesuch'));
    const begin = lab.world.clock.now();
    const { report, said } = await lab.up({ set: { ISTIO_OVERLAY: OVERLAY } });
    const { error } = report;
    expect(error?.reason).toBe('artifact-not-found');
    expect(error?.message).toMatch(/istiod-1-19-3-\w+-\w+: ErrImagePull \(.*9\.9\.9-nonesuch/);
    expect(error?.facts.hint).toContain('`hub` and `tag`');
    expect(said.some((line) => line.startsWith('istio: waiting for istiod-1-19-3-'))).toBe(true);
    const istio = report.steps.find(({ id }) => id === 'istio');
    expect((istio?.endedAt ?? Infinity) - (istio?.startedAt ?? begin)).toBeLessThan(90_000);
  });
});

describe('an interrupt during `istioctl install`', () => {
  it('ends it at once, and the next run finishes it', async () => {
    const lab = watch(simulated());
    const interrupt = new AbortController();
    let at = Infinity;
    await lab.files.write(OVERLAY, operator('  tag: 9.9.9-nonesuch'));
    const cut = await lab.up({
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
    expect(cut.report.error?.reason).toBe('interrupted');
    // What joins the cluster meanwhile is not cut; istioctl is.
    const istio = cut.report.steps.find(({ id }) => id === 'istio');
    expect((istio?.endedAt ?? Infinity) - at).toBeLessThan(5_000);
    expect((await lab.up()).report.error).toBeUndefined();
  });
});
