import { describe, expect, it } from 'vitest';
import { progressText, readProgress } from '../../../src/tools/istioctl-progress.ts';

const text = (line: string): string | undefined => {
  const progress = readProgress(line);
  return progress === undefined ? undefined : progressText(progress);
};

describe('readProgress', () => {
  it.each([
    ['        |\\', undefined],
    ['- Processing resources for Istio core.', undefined],
    ['- Pruning removed resources', undefined],
    ['✔ Installation complete', undefined],
    ['✔ Istiod installed 🧠', 'Istiod installed'],
    [
      '\u001b[33m-\u001b[0m Processing resources for Istiod. Waiting for Deployment/istio-system/istiod-1-30-4',
      'waiting for Deployment istio-system/istiod-1-30-4',
    ],
    [
      '- Processing resources for Ingress gateways. Waiting for Deployment/istio-system/istio-ing...',
      'waiting for Deployment istio-system/istio-ing…',
    ],
    [
      '✘ Istiod encountered an error: failed to wait for resource: x',
      'Istiod encountered an error: failed to wait for resource: x',
    ],
    ['Warning: something', undefined],
  ])('reads %j', (line, expected) => {
    expect(text(line)).toBe(expected);
  });
});
