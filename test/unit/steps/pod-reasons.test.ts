import { describe, expect, it } from 'vitest';
import { podProblem } from '../../../src/steps/pod-reasons.ts';
import type { KubeObject } from '../../../src/kube/kinds.ts';
import { kubeObject } from '../../support/kube.ts';

// The messages were recorded with kubelet 1.34 on the mesh rig.
const CAUSE =
  'failed to pull and unpack image "docker.io/istio/pilot:1.31.0": failed to do request: Head "https://registry-1.docker.io/v2/istio/pilot/manifests/1.31.0": dial tcp: lookup registry-1.docker.io: Temporary failure in name resolution';

const istiod = kubeObject('Deployment', { name: 'istiod', namespace: 'istio-system' });

const podWaiting = (reason: string, message: string): KubeObject =>
  kubeObject(
    'Pod',
    {
      name: 'istiod-7d4-abc',
      namespace: 'istio-system',
      ownerReferences: [{ kind: 'ReplicaSet', name: 'istiod-7d4' }],
    },
    { status: { containerStatuses: [{ state: { waiting: { reason, message } } }] } },
  );

const problemOf = (reason: string, message: string) =>
  podProblem([istiod, podWaiting(reason, message)], 'istiod', 'istio-system');

describe('the reason why pods do not start', () => {
  it('stays the same while the kubelet alternates between two reasons', () => {
    const pulling = problemOf('ErrImagePull', CAUSE);
    expect(pulling).toMatchObject({ kind: 'image pull', reason: 'download-failed' });
    expect(pulling?.text).toBe(`istiod-7d4-abc: ErrImagePull (${CAUSE})`);
    const backingOff = `Back-off pulling image "docker.io/istio/pilot:1.31.0": ErrImagePull: ${CAUSE}`;
    expect(problemOf('ImagePullBackOff', backingOff)).toEqual(pulling);
  });

  it('keeps the message of an older kubelet, which does not repeat the cause', () => {
    expect(problemOf('ImagePullBackOff', 'Back-off pulling image "x:1"')?.text).toBe(
      'istiod-7d4-abc: ImagePullBackOff (Back-off pulling image "x:1")',
    );
  });

  it('distinguishes a missing image from an unreachable registry', () => {
    expect(problemOf('ErrImagePull', 'docker.io/istio/pilot:9: not found')?.reason).toBe('artifact-not-found');
  });
});
