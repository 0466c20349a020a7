import { describe, expect, it } from 'vitest';
import { createLab, readyLab, type PrintedObject } from './lab.ts';

const ready = (node: PrintedObject): string =>
  (node['status'] as { conditions: { type: string; status: string }[] }).conditions.find(({ type }) => type === 'Ready')
    ?.status ?? '';
const lb = (name: string, ports: readonly number[]) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { type: 'LoadBalancer', selector: { app: name }, ports: ports.map((port) => ({ name: `p${port}`, port })) },
});
const app = (name: string, image: string, memory = '16Mi') => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name, image, resources: { requests: { memory } } }] },
    },
  },
});
const curl = 'docker.io/curlimages/curl:8.4.0';

describe('nodes', () => {
  it('become Ready some time after they joined, with address, CPU and version', async () => {
    const lab = createLab();
    await lab.writeKubeconfig(lab.cluster);
    expect((await lab.items('nodes')).map(ready)).toEqual(['False', 'False', 'False']);
    await lab.world.clock.advance(10_000);
    const nodes = await lab.items('nodes');
    expect(nodes.map(ready)).toEqual(['True', 'True', 'True']);
    expect(nodes[0]?.['status'].addresses[0]).toEqual({ type: 'InternalIP', address: lab.server.address });
    expect(nodes[0]?.['status'].nodeInfo).toMatchObject({ kubeletVersion: 'v1.28.15+k3s1', architecture: 'amd64' });
  });

  it('refuse a recreated machine until its old node is deleted', async () => {
    const { cluster, workers, kube } = await readyLab();
    const again = {
      name: workers[0]?.name ?? '',
      address: '192.168.64.77',
      role: 'agent' as const,
      version: 'v1.28.15+k3s1',
      password: 'another',
    };
    expect(cluster.joinNode(again).rejected).toContain('Node password rejected, duplicate hostname');
    await kube(['delete', 'nodes', again.name, '--ignore-not-found', '--wait=true', '--timeout=120s']);
    await kube(['get', 'nodes', '--ignore-not-found', '--output=json']);
    expect(cluster.joinNode(again)).toEqual({});
  });

  it('become NotReady only after the grace period, and recover', async () => {
    const lab = await readyLab();
    const name = lab.workers[0]?.name ?? '';
    const state = async (): Promise<string> =>
      ready((await lab.items('nodes')).find(({ metadata }) => metadata.name === name) as PrintedObject);
    lab.cluster.nodeDown(name);
    expect(await state()).toBe('True');
    await lab.world.clock.advance(45_000);
    expect(await state()).toBe('Unknown');
    lab.cluster.joinNode({
      name,
      address: lab.workers[0]?.address ?? '',
      role: 'agent',
      version: 'v1.28.15+k3s1',
      password: `p-${name}`,
    });
    await lab.world.clock.advance(10_000);
    expect(await state()).toBe('True');
  });
});

describe('deployments', () => {
  it('become available after pull and start, and restart without a gap', async () => {
    const { apply, items, kube, world } = await readyLab();
    await apply(app('client', curl));
    expect((await items('deployments.apps'))[0]?.['status']?.readyReplicas ?? 0).toBe(0);
    await world.clock.advance(15_000);
    const [first] = await items('pods', 'app=client');
    expect(first?.['status'].phase).toBe('Running');
    await kube(['rollout', 'restart', 'deployment/client', '--namespace', 'default']);
    await world.clock.advance(1_000);
    expect(await items('pods', 'app=client')).toHaveLength(2);
    await world.clock.advance(20_000);
    const after = await items('pods', 'app=client');
    expect(after).toHaveLength(1);
    expect(after[0]?.metadata.name).not.toBe(first?.metadata.name);
  });

  it('stay pending until a node has enough memory, and report why', async () => {
    const { apply, items, world } = await readyLab({
      workerMemory: '2G',
      k3sConfig: { 'node-taint': ['node-role.kubernetes.io/control-plane:NoSchedule'] },
    });
    await apply(app('big', curl, '2Gi'));
    await world.clock.advance(60_000);
    const [pod] = await items('pods', 'app=big');
    expect(pod?.['status'].phase).toBe('Pending');
    expect(pod?.['status'].conditions[0].message).toMatch(
      /^0\/3 nodes are available: 2 Insufficient memory, 1 node\(s\) had untolerated taint \{node-role.kubernetes.io\/control-plane: \}/,
    );
  });

  it('never run an image that does not exist', async () => {
    const { apply, items, world } = await readyLab();
    await apply(app('typo', 'docker.io/istio/examples-helloworld-v3:1.0'));
    await world.clock.advance(120_000);
    const [pod] = await items('pods', 'app=typo');
    expect(pod?.['status'].containerStatuses[0].state).toMatchObject({ waiting: { reason: 'ImagePullBackOff' } });
  });
});

describe('ServiceLB', () => {
  it('gives a Service the addresses of all nodes, sorted as strings', async () => {
    const { apply, items, world, server, workers } = await readyLab();
    await apply(lb('one', [80]));
    await world.clock.advance(20_000);
    const service = (await items('services')).find(({ metadata }) => metadata.name === 'one');
    const addresses = [server, ...workers].map(({ address }) => address).sort();
    expect(service?.['status'].loadBalancer.ingress.map(({ ip }: { ip: string }) => ip)).toEqual(addresses);
    expect(await items('pods', 'svccontroller.k3s.cattle.io/svcname=one')).toHaveLength(3);
  });

  it('leaves a second Service with the same host port pending, until the first is deleted', async () => {
    const { apply, items, kube, world } = await readyLab();
    await apply(lb('one', [15021, 80]));
    await world.clock.advance(20_000);
    await apply(lb('two', [15021, 15443]));
    await world.clock.advance(60_000);
    const two = async () => (await items('services')).find(({ metadata }) => metadata.name === 'two');
    expect((await two())?.['status'].loadBalancer).toEqual({});
    const pods = await items('pods', 'svccontroller.k3s.cattle.io/svcname=two');
    expect(pods.map((pod) => pod['status'].phase)).toEqual(['Pending', 'Pending', 'Pending']);
    expect(pods[0]?.['status'].conditions[0].message).toContain("didn't have free ports for the requested pod ports");
    await kube([
      'delete',
      'services',
      'one',
      '--namespace',
      'default',
      '--ignore-not-found',
      '--wait=true',
      '--timeout=120s',
    ]);
    await world.clock.advance(30_000);
    expect((await two())?.['status'].loadBalancer.ingress).toHaveLength(3);
  });

  it('assigns no address when servicelb is disabled', async () => {
    const { apply, items, world } = await readyLab({ k3sConfig: { disable: ['traefik', 'servicelb'] } });
    await apply(lb('one', [80]));
    await world.clock.advance(60_000);
    expect((await items('services')).find(({ metadata }) => metadata.name === 'one')?.['status'].loadBalancer).toEqual(
      {},
    );
  });
});

describe('namespaces', () => {
  it('are deleted with their content, and accept nothing new meanwhile', async () => {
    const { apply, items, kube, world } = await readyLab();
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
    const map = (name: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'team' },
      data: {},
    });
    expect((await apply(map('a'))).exitCode).toBe(0);
    const deletion = kube(['delete', 'namespaces', 'team', '--ignore-not-found', '--wait=true', '--timeout=120s']);
    await world.clock.advance(1_000);
    const late = await apply(map('b'));
    expect(late.stderr).toContain('because it is being terminated');
    expect((await deletion).stdout).toBe('namespace "team" deleted\n');
    expect((await items('configmaps')).filter(({ metadata }) => metadata.namespace === 'team')).toEqual([]);
  });
});

describe('server-side apply', () => {
  it('merges maps, removes fields that the same manager omits, and keeps fields of other managers', async () => {
    const { apply, items, cluster } = await readyLab();
    const namespace = (labels: Record<string, string>) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'team', labels },
    });
    await apply(namespace({ a: '1', b: '2' }));
    cluster.store.apply(namespace({ foreign: 'x' }), 'other-manager');
    await apply(namespace({ a: '3' }));
    const team = (await items('namespaces')).find(({ metadata }) => metadata.name === 'team');
    expect(team?.metadata.labels).toEqual({ a: '3', foreign: 'x', 'kubernetes.io/metadata.name': 'team' });
  });

  it('changes nothing when the object is unchanged', async () => {
    const { apply, items } = await readyLab();
    await apply(lb('one', [80]));
    const version = async () => (await items('services')).find(({ metadata }) => metadata.name === 'one')?.metadata;
    const before = await version();
    await apply(lb('one', [80]));
    expect(await version()).toEqual(before);
  });
});
