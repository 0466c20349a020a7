import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/kube/kinds.ts';
import { MESH_CLIENT as CLIENT_NAME, SAMPLE_NAMESPACE } from '../../../src/kube/manifests/sample.ts';
import type { Lab } from '../../../src/steps/lab.ts';
import { meshToVm, vmToMesh } from '../../../src/verify/traffic-checks.ts';
import { config, node, NODES, object, READY_VM, verdictOf, type View } from './fake-lab.ts';

const pod = (name: string, labels: Readonly<Record<string, string>>): KubeObject =>
  object('Pod', name, SAMPLE_NAMESPACE, {
    labels,
    spec: { nodeName: NODES[0] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  });

const sample = [
  ...NODES.map((name) => node(name)),
  object('Service', 'helloworld', SAMPLE_NAMESPACE, { spec: { selector: { app: 'helloworld' } } }),
  pod('helloworld-v1', { app: 'helloworld', version: 'v1' }),
  pod('helloworld-v2', { app: 'helloworld', version: 'v2' }),
  pod('client', { app: CLIENT_NAME }),
];

const deny = (app: string, direction: 'Ingress' | 'Egress', rules: readonly object[] = []): KubeObject =>
  object('NetworkPolicy', 'deny', SAMPLE_NAMESPACE, {
    spec: {
      podSelector: { matchLabels: { app } },
      policyTypes: [direction],
      [direction.toLowerCase()]: rules,
    },
  });

const RBAC = 'RBAC: access denied';
const hello = (version: string): string => `Hello version: ${version}\n200\n`;

/** The verdict on requests from the VM with these responses, for each session. */
const fromVm = (responses: string, policies: readonly KubeObject[] = [], more: Partial<View> = {}) =>
  verdictOf(
    vmToMesh,
    {
      objects: sample,
      vm: READY_VM,
      onVm: { curl: responses },
      kubectl: { get: async () => policies },
      ...more,
    },
    { stepDiffers: async () => false },
  );

describe('the check vm-to-mesh', () => {
  it('passes when both versions of helloworld respond', async () => {
    const verdict = await fromVm(hello('v1') + hello('v2'));
    expect(verdict).toMatchObject({ ok: true });
    expect(verdict.evidence).toContain('v1 and v2');
  });

  it('fails when only one version responds to all requests', async () => {
    const verdict = await fromVm(hello('v2').repeat(25));
    expect(verdict.ok).toBe(false);
    expect(verdict.evidence).toMatch(/v2 only, in \d+ requests/);
    expect(verdict.look).toContain('destinationrules');
  });

  it('fails with the response when one of the requests is not served', async () => {
    const verdict = await fromVm(`${hello('v1')}no healthy upstream\n503\n`);
    expect(verdict).toMatchObject({
      ok: false,
      evidence: expect.stringContaining('503 no healthy upstream') as string,
    });
  });

  it('names the AuthorizationPolicy that refuses the request', async () => {
    const verdict = await fromVm(`${RBAC}\n403\n`, [object('AuthorizationPolicy', 'closed', SAMPLE_NAMESPACE)]);
    expect(verdict).toMatchObject({ ok: false, certain: true });
    expect(verdict.evidence).toContain(`AuthorizationPolicy ${SAMPLE_NAMESPACE}/closed`);
  });

  it.each([
    ['limits the pods of helloworld', deny('helloworld', 'Ingress'), true],
    ['limits traffic in the other direction', deny('helloworld', 'Egress'), false],
    ['limits other pods', deny('other', 'Ingress'), false],
    ['allows everything', deny('helloworld', 'Ingress', [{}]), false],
  ])('names a NetworkPolicy only if it may be the cause: it %s', async (_, policy, named) => {
    const { ok, evidence } = await fromVm('upstream timeout\n503\n', [policy]);
    expect({ ok, named: evidence.includes(`NetworkPolicy ${SAMPLE_NAMESPACE}/deny`) }).toEqual({ ok: false, named });
  });

  it('fails when curl gets no response at all', async () => {
    expect(await fromVm('')).toMatchObject({
      ok: false,
      evidence: expect.stringContaining('no HTTP answer') as string,
    });
  });
});

/** The verdict on a request from a pod with these responses, one after the other; the last one stays. */
const fromPod = (responses: readonly string[], policies: readonly KubeObject[] = []) => {
  let next = 0;
  const exec = async () => ({ stdout: responses[Math.min(next++, responses.length - 1)] ?? '' });
  const kubectl = { get: async () => policies, exec } as unknown as Partial<Lab['kubectl']>;
  return verdictOf(meshToVm, { objects: sample, vm: READY_VM, kubectl }, { stepDiffers: async () => false });
};

describe('the check mesh-to-vm', () => {
  it('passes when the VM responds', async () => {
    expect(await fromPod(['Hello\n200'])).toMatchObject({ ok: true });
  });

  it('retries while the VM does not respond, and reports the number of tries', async () => {
    const verdict = await fromPod(['\n000', 'Hello\n200']);
    expect(verdict).toMatchObject({ ok: true, evidence: expect.stringContaining('at try 2') as string });
  });

  it('fails with the last response', async () => {
    const verdict = await fromPod(['upstream connect error\n503']);
    expect(verdict).toMatchObject({ ok: false, evidence: expect.stringContaining('503 upstream connect') as string });
    expect(verdict.look).toContain('workloadentries');
  });

  it('names the AuthorizationPolicy that refuses the request', async () => {
    const [workload] = config.workloads;
    const verdict = await fromPod([`${RBAC}\n403`], [object('AuthorizationPolicy', 'closed', workload.namespace)]);
    expect(verdict).toMatchObject({ ok: false, certain: true });
    expect(verdict.evidence).toContain(`AuthorizationPolicy ${workload.namespace}/closed`);
  });

  it.each([
    ['limits what the client sends', deny(CLIENT_NAME, 'Egress'), true],
    ['limits what the client receives', deny(CLIENT_NAME, 'Ingress'), false],
  ])('names a NetworkPolicy only if it may be the cause: it %s', async (_, policy, named) => {
    const { ok, evidence } = await fromPod(['\n000'], [policy]);
    expect({ ok, named: evidence.includes(`NetworkPolicy ${SAMPLE_NAMESPACE}/deny`) }).toEqual({ ok: false, named });
  });
});
