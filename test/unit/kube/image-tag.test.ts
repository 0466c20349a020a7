import { expect, it } from 'vitest';
import { judgeImage } from '../../../src/kube/image-tag.ts';

it.each([
  ['docker.io/istio/pilot:1.19.3', true, '1.19.3'],
  ['mirror.example:5000/istio/pilot:1.19.3-distroless', true, '1.19.3-distroless'],
  ['mirror.example:5000/istio/pilot:1.19.3@sha256:0123', true, '1.19.3'],
  ['mirror.example:5000/istio/pilot@sha256:0123', true, 'by digest'],
  ['mirror.example:5000/istio/pilot:1.19.30', false, '1.19.30'],
  ['mirror.example:5000/istio/pilot', false, 'mirror.example:5000/istio/pilot'],
  [undefined, false, 'not there'],
])('judges image %s for version 1.19.3: %s', (image, ok, shown) => {
  expect(judgeImage(image, '1.19.3')).toEqual({ ok, shown });
});
