import { describe, expect, it } from 'vitest';
import type { Host } from '../../src/system/system.ts';
import { upTwice } from './support/healthy.ts';
import { LINUX, MAC, refusals, shipped } from './support/simulated.ts';

const { watch } = refusals();

describe('every Istio minor version', () => {
  const minors = Object.entries(shipped.versions.istio);

  it('is in the table from 1.19 to 1.32', () => {
    expect(minors.map(([minor]) => minor)).toEqual(Array.from({ length: 14 }, (_, index) => `1.${19 + index}`));
  });

  it('can be newer than every known one', async () => {
    const { lab, verification } = await upTwice({ host: LINUX, set: { ISTIO_VERSION: '1.33.0' } });
    watch(lab);
    expect(verification.results.find(({ name }) => name === 'versions')?.evidence).toBe(
      'istioctl 1.33.0, istiod 1.33.0',
    );
  });

  describe.each<[string, Host]>([
    ['amd64', LINUX],
    ['arm64', MAC],
  ])('on %s', (_cpu, host) => {
    it.each(minors)(
      '%s: creates a lab that passes its checks, and a second up changes nothing',
      async (_minor, { lastPatch, k3s }) => {
        const { lab, verification } = await upTwice({ host, set: { ISTIO_VERSION: lastPatch } });
        watch(lab);
        expect(verification.results.find(({ name }) => name === 'versions')?.evidence).toBe(
          `istioctl ${lastPatch}, istiod ${lastPatch}`,
        );
        expect(verification.results.find(({ name }) => name === 'nodes')?.evidence).toContain(k3s);
        expect(lab.machine('vm-istio-external-workload').packages.get('istio-sidecar')).toBe(lastPatch);
      },
    );
  });
});

describe('the version of istiod', () => {
  it('is accepted when an overlay names a variant of the configured tag', async () => {
    const text = 'apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: { tag: 1.19.3-distroless }\n';
    const { lab, verification } = await upTwice({
      set: { ISTIO_OVERLAY: 'overlay.yaml' },
      seedFiles: { '/home/u/lab/overlay.yaml': text },
    });
    watch(lab);
    expect(verification.results.find(({ name }) => name === 'versions')?.evidence).toBe(
      'istioctl 1.19.3, istiod 1.19.3-distroless',
    );
  });
});
