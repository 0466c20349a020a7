import { describe, expect, it } from 'vitest';
import { expectedGatewayAddress, portClash } from '../../../src/steps/eastwest.ts';
import type { Lab } from '../../../src/steps/lab.ts';
import type { KubeObject } from '../../../src/kube/kinds.ts';
import { kubeObject } from '../../support/kube.ts';

const service = (name: string, ports: number[], type = 'LoadBalancer', namespace = 'istio-system'): KubeObject =>
  kubeObject('Service', { name, namespace }, { spec: { type, ports: ports.map((port) => ({ port })) } });
const balancer = (
  of: string,
  phase: string,
  message = "0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports.",
): KubeObject =>
  kubeObject(
    'Pod',
    { name: `svclb-${of}`, namespace: 'kube-system', labels: { 'svccontroller.k3s.cattle.io/svcname': of } },
    { status: { phase, conditions: [{ type: 'PodScheduled', status: 'False', message }] } },
  );

describe('portClash', () => {
  const mine = service('mine', [15012, 15443]);

  it.each<[string, KubeObject[], string | undefined]>([
    [
      'names the Service and the port',
      [mine, balancer('mine', 'Pending'), service('other', [80, 15012], 'LoadBalancer', 'default')],
      'port 15012 is held by Service default/other',
    ],
    [
      'names all conflicting Services',
      [mine, balancer('mine', 'Pending'), service('a', [15012]), service('b', [15443])],
      'port 15012 is held by Service istio-system/a, port 15443 is held by Service istio-system/b',
    ],
    [
      'ignores a ClusterIP Service',
      [mine, balancer('mine', 'Pending'), service('other', [15012], 'ClusterIP')],
      'a port is taken on the nodes',
    ],
    [
      'names no Service when only a host port of a pod conflicts',
      [mine, balancer('mine', 'Pending')],
      'a port is taken on the nodes',
    ],
    ['is undefined when the pods run', [mine, balancer('mine', 'Running'), service('other', [15012])], undefined],
    [
      'is undefined when the pods are pending for another reason',
      [mine, balancer('mine', 'Pending', 'Insufficient cpu'), service('other', [15012])],
      undefined,
    ],
    [
      'is undefined when only the pods of another Service are pending',
      [mine, balancer('other', 'Pending'), service('other', [15012])],
      undefined,
    ],
    [
      'is undefined when the Service does not exist',
      [balancer('mine', 'Pending'), service('other', [15012])],
      undefined,
    ],
  ])('%s', (_what, objects, clash) => expect(portClash({ objects }, 'mine', 'istio-system')).toBe(clash));
});

describe('expectedGatewayAddress', () => {
  const node = (name: string, address: string): KubeObject =>
    kubeObject('Node', { name }, { status: { addresses: [{ type: 'InternalIP', address }] } });
  const lab = (...workerNames: string[]): Lab => ({ config: { k3s: { master: 'm', workerNames } } }) as unknown as Lab;
  const objects = [node('m', '1'), node('w2', '3'), node('w1', '2')];

  it('is the first worker in the configuration, whatever the order of the nodes', () => {
    expect(expectedGatewayAddress(lab('w1', 'w2'), { objects })).toBe('2');
  });

  it('is the only node when there is no worker', () => {
    expect(expectedGatewayAddress(lab(), { objects })).toBe('1');
  });

  it('is unknown before the node exists', () => {
    expect(expectedGatewayAddress(lab('w9'), { objects })).toBeUndefined();
  });
});
