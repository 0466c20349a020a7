import { expect, it } from 'vitest';
import { labImages, proxyImage } from '../../../src/artifacts/images.ts';
import { imageOverlay } from '../../../src/kube/overlay/overlay.ts';
import { labConfig, versions } from '../kube/lab.ts';

/** The images are those that `istioctl manifest generate` of Istio 1.30 prints. */
it.each([
  ['{}', ['docker.io/istio/pilot:1.19.3', 'docker.io/istio/proxyv2:1.19.3']],
  ['{ hub: a, values: { global: { hub: b, tag: 1.19.3-t } } }', ['b/pilot:1.19.3-t', 'b/proxyv2:1.19.3-t']],
  [
    '{ hub: h, values: { global: { variant: distroless } } }',
    ['h/pilot:1.19.3-distroless', 'h/proxyv2:1.19.3-distroless'],
  ],
  ['{ hub: h, values: { pilot: { variant: debug } } }', ['h/pilot:1.19.3-debug', 'h/proxyv2:1.19.3']],
  [
    '{ hub: h, values: { pilot: { hub: p, tag: 1.19.3-p, image: pilotx } } }',
    ['p/pilotx:1.19.3-p', 'h/proxyv2:1.19.3'],
  ],
  [
    '{ hub: h, components: { pilot: { hub: c, tag: 1.19.3-c }, ingressGateways: [{ name: g, hub: x, tag: 1.19.3-g }] } }',
    ['c/pilot:1.19.3-c', 'h/proxyv2:1.19.3', 'h/proxyv2:1.19.3-g'],
  ],
  [
    '{ values: { pilot: { image: "r.example/i:1.19.3" }, global: { proxy: { image: "r.example/p:1.19.3" } } } }',
    ['r.example/i:1.19.3', 'r.example/p:1.19.3'],
  ],
])('reads the images of overlay %s: %j', (spec, images) => {
  const overlay = imageOverlay(`apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: ${spec}\n`);
  const all = labImages(labConfig(), versions, overlay);
  expect(all.slice(0, images.length)).toEqual(images);
  expect(all).toHaveLength(images.length + 3);
  expect(proxyImage(labConfig(), versions, overlay)).toBe(images[1]);
});
