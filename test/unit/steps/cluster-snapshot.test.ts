import { fc } from '../../support/fast-check.ts';
import { describe, expect, it } from 'vitest';
import {
  compareObjects,
  contains,
  loadBalancerAddresses,
  nodeAddress,
  runningPods,
  sidecarRevision,
} from '../../../src/steps/cluster-snapshot.ts';
import { deploymentState } from '../../../src/steps/deployment-state.ts';
import { nodeIsReady, nodeState } from '../../../src/steps/node-health.ts';
import type { Deployment, KubeObject, Lease, Node, ObjectOf, Pod } from '../../../src/kube/kinds.ts';
import { kubeObject } from '../../support/kube.ts';

const object = <K extends string>(
  kind: K,
  name: string,
  more: Record<string, unknown> = {},
  metadata: Record<string, unknown> = {},
): ObjectOf<K> => kubeObject(kind, { name, namespace: 'here', ...metadata }, more);

describe('contains', () => {
  it.each<[string, unknown, unknown, boolean]>([
    ['extra fields are ignored', { a: 1, b: 2 }, { a: 1 }, true],
    ['a missing field is a difference', { b: 2 }, { a: 1 }, false],
    ['extra nested fields are ignored', { a: { b: { c: 1, d: 2 } } }, { a: { b: { c: 1 } } }, true],
    ['another nested value is a difference', { a: { b: { c: 2 } } }, { a: { b: { c: 1 } } }, false],
    ['an extra list item is a difference', [1, 2, 3], [1, 2], false],
    ['extra fields of a list item are ignored', [{ a: 1, b: 1 }], [{ a: 1 }], true],
    ['another order of list items is a difference', [2, 1], [1, 2], false],
    ['a number does not equal its text', { port: '80' }, { port: 80 }, false],
    ['undefined is not an object', undefined, {}, false],
    ['null is not an object', null, { a: 1 }, false],
    ['an object is not a list', { 0: 1, length: 1 }, [1], false],
  ])('follows the rule: %s', (_what, actual, wanted, expected) => expect(contains(actual, wanted)).toBe(expected));

  it('holds for any value and itself', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => contains(value, structuredClone(value))));
  });
});

describe('compareObjects', () => {
  const wanted = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'one', namespace: 'here', labels: { app: 'x' } },
      spec: { ports: [{ port: 1 }] },
    },
  ];
  const view = (...objects: KubeObject[]) => ({ objects });

  it.each<[string, KubeObject[], unknown]>([
    [
      'with extra fields',
      [
        object(
          'Service',
          'one',
          { spec: { ports: [{ port: 1, nodePort: 2 }], type: 'x' } },
          { labels: { app: 'x', b: 'y' } },
        ),
      ],
      'ready',
    ],
    ['missing', [object('Service', 'two')], { missing: 'no Service here/one' }],
    [
      'in another namespace',
      [object('Service', 'one', {}, { namespace: 'there' })],
      { missing: 'no Service here/one' },
    ],
    ['of another kind', [object('Gateway', 'one')], { missing: 'no Service here/one' }],
    [
      'without its label',
      [object('Service', 'one', { spec: { ports: [{ port: 1 }] } })],
      { drifted: 'Service here/one has other labels' },
    ],
    [
      'with a different port',
      [object('Service', 'one', { spec: { ports: [{ port: 2 }] } }, { labels: { app: 'x' } })],
      { drifted: 'Service here/one has other spec' },
    ],
  ])('reports the state of an object: %s', (_what, objects, finding) =>
    expect(compareObjects(view(...objects), wanted)).toEqual(finding),
  );

  it('reports why the cluster cannot be read', () => {
    expect(compareObjects({ objects: [], unreachable: 'no way' }, wanted)).toEqual({ missing: 'no way' });
  });
});

describe('deploymentState', () => {
  const deployment = (status: Record<string, number>, replicas?: number, generation = 1): Deployment =>
    object('Deployment', 'd', { spec: replicas === undefined ? {} : { replicas }, status }, { generation });
  const pod = object('Pod', 'd-1', { status: { conditions: [{ type: 'Ready', status: 'True' }] } });

  it.each<[string, Deployment | undefined, string]>([
    ['absent', undefined, 'the Deployment does not exist'],
    ['just created', deployment({}), '0 of 1 pods available'],
    [
      'rolled out',
      deployment({ observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 }),
      'available',
    ],
    [
      'one of two replicas available',
      deployment({ replicas: 2, updatedReplicas: 2, availableReplicas: 1 }, 2),
      '1 of 2 pods available',
    ],
    [
      'the old pod is available, the new one is not',
      deployment({ replicas: 2, updatedReplicas: 1, availableReplicas: 1 }),
      '1 old pod not terminated yet',
    ],
    [
      'the old pod is available, the new one does not exist',
      deployment({ replicas: 1, updatedReplicas: 0, availableReplicas: 1 }),
      '0 of 1 pods available',
    ],
    [
      'its generation is not observed yet',
      deployment({ observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 }, 1, 2),
      'its change is not observed yet',
    ],
    ['scaled to 0 by its controller', deployment({ observedGeneration: 1 }, 0), 'scaled to 0'],
  ])('describes a Deployment: %s', (_what, given, state) => {
    const objects = given === undefined ? [pod] : [given, pod];
    expect(deploymentState({ objects }, 'd', 'here')).toBe(state);
  });
});

describe('nodes', () => {
  const node = (status: string, version = 'v1'): Node =>
    object('Node', 'n', {
      status: {
        conditions: [
          { type: 'MemoryPressure', status: 'True' },
          { type: 'Ready', status },
        ],
        nodeInfo: { kubeletVersion: version },
        addresses: [
          { type: 'Hostname', address: 'n' },
          { type: 'InternalIP', address: '10.0.0.1' },
        ],
      },
    });

  it.each<[string, KubeObject[], boolean]>([
    ['Ready with its version', [node('True')], true],
    ['not Ready', [node('False')], false],
    ['Unknown', [node('Unknown')], false],
    ['Ready with another version', [node('True', 'v2')], false],
    ['missing', [], false],
  ])('are recognized as Ready or not: %s', (_what, objects, ready) =>
    expect(nodeIsReady({ objects }, 'n', 'v1')).toBe(ready),
  );

  const lease = (name: string, renewTime: string): Lease =>
    object('Lease', name, { spec: { renewTime } }, { namespace: 'kube-node-lease' });
  const at = (second: number): string => `2026-01-05T09:00:${String(second).padStart(2, '0')}.000000Z`;

  it.each<[string, number, number, string]>([
    ['a recent heartbeat', 5, 15, 'ready'],
    ['one missed heartbeat', 5, 29, 'ready'],
    ['no heartbeat, and not yet Unknown', 5, 35, 'no heartbeat for 30s'],
  ])('are recognized by their leases: %s', (_what, own, newest, state) => {
    const objects = [node('True'), lease('n', at(own)), lease('apiserver-x', at(newest))];
    expect(nodeState({ objects }, 'n')).toBe(state);
  });

  it('are not ready with another address than the machine, or with a heartbeat from before a restart', () => {
    const objects = [
      object('Node', 'n', {
        status: {
          conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: at(1) }],
          addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        },
      }),
    ];
    expect(nodeState({ objects }, 'n', { address: '10.0.0.1' })).toBe('ready');
    expect(nodeState({ objects }, 'n', { address: '10.0.0.9' })).toBe('registered at 10.0.0.1, not yet at 10.0.0.9');
    expect(nodeState({ objects }, 'n', { notHeartbeat: at(1) })).toBe('its kubelet is restarting');
    expect(nodeState({ objects }, 'n', { notHeartbeat: at(0) })).toBe('ready');
  });

  it('without a heartbeat do not count as running the pods of a Deployment', () => {
    const deployment = object(
      'Deployment',
      'd',
      {
        spec: { selector: { matchLabels: { app: 'd' } } },
        status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
      },
      { generation: 1 },
    );
    const pod = (status: string): Pod =>
      object(
        'Pod',
        'd-1',
        { spec: { nodeName: 'n' }, status: { conditions: [{ type: 'Ready', status }] } },
        { labels: { app: 'd' } },
      );
    const state = (...objects: KubeObject[]): string =>
      deploymentState({ objects: [deployment, ...objects] }, 'd', 'here');
    expect(state(pod('True'))).toBe('available');
    expect(state(pod('False'))).toBe('0 of 1 pods Ready');
    expect(state(pod('True'), lease('n', at(1)), lease('m', at(40)))).toBe('0 of 1 pods Ready');
    expect(deploymentState({ objects: [] }, 'd', 'here')).toBe('the Deployment does not exist');
  });

  it('have an internal address', () => {
    expect(nodeAddress(node('True'))).toBe('10.0.0.1');
    expect(nodeAddress(undefined)).toBeUndefined();
  });
});

describe('pods', () => {
  const pod = (more: Record<string, unknown>, metadata: Record<string, unknown> = {}): Pod =>
    object('Pod', 'p', { status: { phase: 'Running' }, ...more }, metadata);

  it.each<[string, Pod, string | undefined]>([
    [
      'a container',
      pod(
        { spec: { containers: [{ name: 'app' }, { name: 'istio-proxy' }] } },
        { annotations: { 'istio.io/rev': '1-19-3' } },
      ),
      '1-19-3',
    ],
    [
      'a restartable init container',
      pod(
        { spec: { containers: [{ name: 'app' }], initContainers: [{ name: 'istio-proxy' }] } },
        { annotations: { 'istio.io/rev': 'x' } },
      ),
      'x',
    ],
    ['without its annotation', pod({ spec: { containers: [{ name: 'istio-proxy' }] } }), 'default'],
    ['none', pod({ spec: { containers: [{ name: 'app' }] } }, { annotations: { 'istio.io/rev': 'x' } }), undefined],
  ])('have the revision of their sidecar: %s', (_what, given, revision) =>
    expect(sidecarRevision(given)).toBe(revision),
  );

  it('do not count while they are terminating', () => {
    const objects = [
      pod({}),
      pod({}, { deletionTimestamp: '2026-01-05T09:00:00Z' }),
      pod({ status: { phase: 'Pending' } }),
      pod({}, { namespace: 'there' }),
    ];
    expect(runningPods({ objects }, 'here')).toHaveLength(1);
  });
});

it('returns the addresses of a load balancer in order, without host names', () => {
  const service = object('Service', 's', {
    status: { loadBalancer: { ingress: [{ ip: '2' }, { hostname: 'x' }, { ip: '1' }] } },
  });
  expect(loadBalancerAddresses(service)).toEqual(['2', '1']);
  expect(loadBalancerAddresses(object('Service', 's'))).toEqual([]);
  expect(loadBalancerAddresses(undefined)).toEqual([]);
});
