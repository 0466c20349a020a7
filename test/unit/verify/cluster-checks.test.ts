import { describe, expect, it } from 'vitest';
import { GATEWAY_SERVICE, MESH_PORT } from '../../../src/kube/manifests/east-west-gateway.ts';
import { DESTINATION_RULE, SAMPLE_DEPLOYMENTS, SAMPLE_NAMESPACE } from '../../../src/kube/manifests/sample.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { gateway, istiod, nodes, sample, versions } from '../../../src/verify/cluster-checks.ts';
import { addressOf, config, deployment, node, NODES, object, REVISION, verdictOf, VM, type View } from './fake-lab.ts';

const ISTIO = config.istio.namespace;
const [MASTER = '', WORKER = ''] = NODES;
const ISTIOD = `istiod-${REVISION}`;

const service = (name: string, namespace: string, spec: object = {}, status: object = {}): KubeObject =>
  object('Service', name, namespace, { spec: { clusterIP: '10.43.0.9', selector: { app: name }, ...spec }, status });
const coredns = deployment('coredns', 'kube-system');
const allNodes = NODES.map((name) => node(name));
const withNodes = (...more: readonly (readonly KubeObject[])[]): View => ({ objects: [...allNodes, ...more.flat()] });
const without = (kind: string, name: string, { objects = [] }: View): View => ({
  objects: objects.filter((each) => each.kind !== kind || each.metadata.name !== name),
});

describe('the check nodes', () => {
  it('passes when every node is Ready with the wanted k3s and cluster DNS is available', async () => {
    expect(await verdictOf(nodes, withNodes(coredns))).toMatchObject({ ok: true });
  });

  it('names the node that is missing and lets the other checks run', async () => {
    const view = { objects: [...allNodes.filter(({ metadata }) => metadata.name !== WORKER), ...coredns] };
    const verdict = await verdictOf(nodes, view);
    expect(verdict).toMatchObject({ ok: false, blocks: [] });
    expect(verdict.evidence).toContain(WORKER);
  });

  it('fails for a node that runs another k3s', async () => {
    const others = allNodes.map((each) => (each.metadata.name === WORKER ? node(WORKER, 'v1.0.0+k3s1') : each));
    expect(await verdictOf(nodes, { objects: [...others, ...coredns] })).toMatchObject({ ok: false, blocks: [] });
  });

  it('blocks only mesh-to-vm when cluster DNS is scaled to 0', async () => {
    const verdict = await verdictOf(nodes, withNodes(deployment('coredns', 'kube-system', { wanted: 0 })));
    expect(verdict).toMatchObject({ ok: false, blocks: ['mesh-to-vm'] });
  });

  it('blocks everything that needs the cluster when the API does not answer', async () => {
    const verdict = await verdictOf(nodes, { unreachable: 'connection refused' });
    expect(verdict).toEqual({ ok: false, evidence: 'connection refused' });
  });

  it.each(['stopped', 'suspended', 'deleted'] as const)(
    'does not query the API of a control plane machine that is %s',
    async (state) => {
      const verdict = await verdictOf(nodes, { ...withNodes(coredns), machines: { [MASTER]: state, [VM]: 'running' } });
      expect(verdict).toEqual({ ok: false, evidence: `${MASTER} is ${state}` });
    },
  );

  it('does not trust a node whose machine is stopped, even when the cluster reports it as Ready', async () => {
    const machines = Object.fromEntries(NODES.map((name) => [name, name === WORKER ? 'stopped' : 'running'] as const));
    const verdict = await verdictOf(nodes, { ...withNodes(coredns), machines });
    expect(verdict.ok).toBe(false);
    expect(verdict.evidence).toContain(`${WORKER} (its machine is stopped)`);
  });
});

describe('the check versions', () => {
  const plane = (tag: string): View => ({
    ...withNodes([service(ISTIOD, ISTIO)], deployment(ISTIOD, ISTIO, { image: `docker.io/istio/pilot:${tag}` })),
    istioctl: config.istio.version,
  });

  it('passes when istioctl and the running istiod have the wanted version', async () => {
    expect(await verdictOf(versions, plane(config.istio.version))).toMatchObject({ ok: true });
  });

  it('fails when the running istiod has another version', async () => {
    const verdict = await verdictOf(versions, plane('1.18.0'));
    expect(verdict.ok).toBe(false);
    expect(verdict.evidence).toContain('1.18.0');
    expect(verdict.look).toContain(`-n ${ISTIO} get pods`);
  });

  it('fails when istioctl is missing', async () => {
    const { objects = [] } = plane(config.istio.version);
    expect((await verdictOf(versions, { objects })).ok).toBe(false);
  });
});

describe('the check istiod', () => {
  const webhook = object('MutatingWebhookConfiguration', 'istio-revision-tag-default', undefined, {
    labels: { 'istio.io/tag': 'default', 'istio.io/rev': REVISION },
  });
  const healthy = withNodes([service(ISTIOD, ISTIO), webhook], deployment(ISTIOD, ISTIO));

  it('passes when istiod serves and the tag points at its revision', async () => {
    expect(await verdictOf(istiod, healthy)).toMatchObject({ ok: true });
  });

  it('is certain that a missing Deployment is the cause', async () => {
    const view = without('Deployment', ISTIOD, without('Pod', `${ISTIOD}-0`, healthy));
    expect(await verdictOf(istiod, view)).toMatchObject({ ok: false, certain: true });
  });

  it('lets the other checks run when the Deployment is missing but its pods still serve', async () => {
    expect(await verdictOf(istiod, without('Deployment', ISTIOD, healthy))).toMatchObject({ ok: false, blocks: [] });
  });

  it('lets the other checks run when only the tag is missing, and says where to look', async () => {
    const verdict = await verdictOf(istiod, without('MutatingWebhookConfiguration', webhook.metadata.name, healthy));
    expect(verdict).toMatchObject({ ok: false, blocks: [] });
    expect(verdict.look).toContain('mutatingwebhookconfigurations');
    expect(verdict.certain).toBeUndefined();
  });

  it('is not certain of the cause while pods are only not yet available', async () => {
    const late = deployment(ISTIOD, ISTIO, { wanted: 1, available: 0 });
    const verdict = await verdictOf(istiod, withNodes([service(ISTIOD, ISTIO), webhook], late));
    expect(verdict.ok).toBe(false);
    expect(verdict.certain).toBeUndefined();
    expect(verdict.blocks).toBeUndefined();
  });
});

describe('the check gateway', () => {
  const ports = [MESH_PORT, ...Object.values(config.gateway).map(({ outside }) => outside)];
  const balanced = (used: readonly number[]): View => {
    const ingress = NODES.map((name) => ({ ip: addressOf(name) }));
    const spec = { type: 'LoadBalancer', ports: used.map((port) => ({ port })) };
    return withNodes(
      [service(GATEWAY_SERVICE, ISTIO, spec, { loadBalancer: { ingress } })],
      deployment(GATEWAY_SERVICE, ISTIO),
    );
  };

  it('passes when the gateway has an address of the lab and all its ports', async () => {
    expect(await verdictOf(gateway, balanced(ports))).toMatchObject({ ok: true });
  });

  it('fails when the Service lacks a port', async () => {
    expect((await verdictOf(gateway, balanced(ports.slice(1)))).ok).toBe(false);
  });

  it('advises other ports when another Service holds one of them', async () => {
    const { objects = [] } = balanced(ports);
    const pending = object('Pod', `svclb-${GATEWAY_SERVICE}`, 'kube-system', {
      labels: { 'svccontroller.k3s.cattle.io/svcname': GATEWAY_SERVICE },
      status: {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', message: "3 node(s) didn't have free ports" }],
      },
    });
    const other = service('other', 'default', { type: 'LoadBalancer', ports: [{ port: ports[1] }] });
    const verdict = await verdictOf(gateway, { objects: [...objects, pending, other] });
    expect(verdict.ok).toBe(false);
    expect(verdict.evidence).toContain('Service default/other');
    expect(verdict.hint).toContain('EWG_PORT_');
  });

  it('is certain of the cause when the gateway is scaled to 0', async () => {
    const { objects = [] } = balanced(ports);
    const kept = objects.filter(({ kind }) => kind !== 'Deployment' && kind !== 'Pod');
    const view = { objects: [...kept, ...deployment(GATEWAY_SERVICE, ISTIO, { wanted: 0 })] };
    expect(await verdictOf(gateway, view)).toMatchObject({ ok: false, certain: true });
  });
});

describe('the check sample', () => {
  const rule = object('DestinationRule', DESTINATION_RULE, SAMPLE_NAMESPACE);
  const running = SAMPLE_DEPLOYMENTS.flatMap((name) => deployment(name, SAMPLE_NAMESPACE, { sidecar: true }));

  it('passes when every pod of the sample has a sidecar', async () => {
    expect(await verdictOf(sample, withNodes(running, [rule]))).toMatchObject({ ok: true });
  });

  it('names pods without a sidecar and says how to restart them', async () => {
    const withoutSidecar = SAMPLE_DEPLOYMENTS.flatMap((name) => deployment(name, SAMPLE_NAMESPACE));
    const verdict = await verdictOf(sample, withNodes(withoutSidecar, [rule]));
    expect(verdict.ok).toBe(false);
    expect(verdict.evidence).toContain(`${SAMPLE_DEPLOYMENTS[0]}-0`);
    expect(verdict.look).toContain('rollout restart');
  });

  it('lets the other checks run when one version of helloworld is scaled to 0', async () => {
    const name = SAMPLE_DEPLOYMENTS.find((each) => each.startsWith('helloworld')) ?? '';
    const others = running.filter(({ metadata }) => !metadata.name.startsWith(name));
    const view = withNodes(others, deployment(name, SAMPLE_NAMESPACE, { wanted: 0 }), [rule]);
    expect(await verdictOf(sample, view)).toMatchObject({ ok: false, blocks: [] });
  });

  it('fails without the DestinationRule, since connections would stay with one version', async () => {
    expect(await verdictOf(sample, withNodes(running))).toMatchObject({ ok: false, blocks: [] });
  });
});
