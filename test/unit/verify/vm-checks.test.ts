import { describe, expect, it } from 'vitest';
import type { GuestState } from '../../../src/guest/state.ts';
import { certificateText, tokenText } from '../../../src/verify/vm-checks.ts';
import { healthOf } from '../../../src/verify/health.ts';
import { identity, registration, sidecar } from '../../../src/verify/vm-checks.ts';
import { addressOf, config, node, NODES, object, READY_VM, verdictOf, VM, type View } from './fake-lab.ts';

const { namespace, app, serviceAccount } = config.workloads[0];

const guest = (overrides: Partial<GuestState['sidecar']> = {}): GuestState => ({
  ...READY_VM,
  sidecar: { ...READY_VM.sidecar, ...overrides },
});

describe('the check sidecar', () => {
  it('passes when the unit is active, ready and starts at boot', async () => {
    expect(await verdictOf(sidecar, { vm: guest() })).toMatchObject({ ok: true });
  });

  it('is certain of the cause when the unit was stopped', async () => {
    const verdict = await verdictOf(sidecar, { vm: guest({ active: 'inactive', ready: false }) });
    expect(verdict).toMatchObject({ ok: false, certain: true });
    expect(verdict.look).toContain('journalctl');
  });

  it('is not certain of the cause when the unit starts again and again', async () => {
    const verdict = await verdictOf(sidecar, { vm: guest({ active: 'activating', ready: false }) });
    expect(verdict.ok).toBe(false);
    expect(verdict.certain).toBeUndefined();
  });

  it('lets the other checks run when the unit only does not start at boot', async () => {
    expect(await verdictOf(sidecar, { vm: guest({ enabled: false }) })).toMatchObject({ ok: false, blocks: [] });
  });

  it.each(['stopped', 'suspended', 'deleted'] as const)('is certain of the cause when the VM is %s', async (state) => {
    const verdict = await verdictOf(sidecar, { machines: { [VM]: state }, vm: guest() });
    expect(verdict).toEqual({ ok: false, evidence: `${VM} is ${state}`, certain: true });
  });

  it('is certain of the cause when the VM does not exist', async () => {
    expect(await verdictOf(sidecar, { machines: {} })).toMatchObject({ ok: false, certain: true });
  });
});

describe('the check registration', () => {
  const entry = (spec: object, annotations: Readonly<Record<string, string>> = {}): View => {
    const found = object('WorkloadEntry', `${app}-1`, namespace, { labels: { app }, spec });
    return {
      objects: [...NODES.map((name) => node(name)), { ...found, metadata: { ...found.metadata, annotations } }],
      vm: guest(),
    };
  };
  const right = { address: addressOf(VM), network: config.networks.vm };

  it('passes when the entry has the address and the network of the VM', async () => {
    expect(await verdictOf(registration, entry(right))).toMatchObject({ ok: true });
  });

  it('lets the other checks run when the entry is on another network', async () => {
    const verdict = await verdictOf(registration, entry({ ...right, network: 'other' }));
    expect(verdict).toMatchObject({ ok: false, blocks: [] });
    expect(verdict.evidence).toContain('on other');
  });

  it('fails when istiod has lost the VM', async () => {
    const verdict = await verdictOf(registration, entry(right, { 'istio.io/disconnectedAt': '2026-01-05T09:00:00Z' }));
    expect(verdict.ok).toBe(false);
    expect(verdict.evidence).toContain('2026-01-05T09:00:00Z');
    expect(verdict.blocks).toBeUndefined();
  });

  it('fails when there is no entry, and says where to look', async () => {
    const verdict = await verdictOf(registration, { objects: NODES.map((name) => node(name)), vm: guest() });
    expect(verdict.ok).toBe(false);
    expect(verdict.look).toContain(`-n ${namespace} get workloadgroups,workloadentries`);
  });
});

describe('the check identity', () => {
  const answer = (uri: string, expires: string): View => ({
    vm: guest(),
    onVm: {
      certs: JSON.stringify({
        certificates: [
          {
            cert_chain: [
              { subject_alt_names: [{ uri }], expiration_time: expires, valid_from: '2020-01-01T00:00:00Z' },
            ],
          },
        ],
      }),
    },
  });
  const own = `spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`;

  it('passes with a valid certificate of the service account', async () => {
    expect(await verdictOf(identity, answer(own, '2999-01-01T00:00:00Z'))).toMatchObject({ ok: true });
  });

  it.each([
    ['another service account', `spiffe://cluster.local/ns/${namespace}/sa/other`, '2999-01-01T00:00:00Z'],
    ['a certificate that has expired', own, '1960-01-01T00:00:00Z'],
  ])('fails with %s, and says where to look', async (_what, uri, expires) => {
    const verdict = await verdictOf(identity, answer(uri, expires));
    expect(verdict.ok).toBe(false);
    expect(verdict.evidence).toContain(uri);
    expect(verdict.look).toContain('journalctl');
  });

  it('fails when Envoy has no certificate', async () => {
    expect((await verdictOf(identity, { vm: guest(), onVm: { certs: '{"certificates":[]}' } })).ok).toBe(false);
  });
});

describe('credentials of the VM', () => {
  it.each([tokenText, certificateText])('are valid until the second in which they expire', (text) => {
    expect(text(1_000, 999)).toBeUndefined();
    expect(text(1_000, 1_000)).toContain('1970-01-01T00:16:40.000Z');
    expect(text(undefined, 1_000)).toBeDefined();
  });
});

describe('the health of an entry', () => {
  it.each([
    ['True', [{ type: 'Healthy', status: 'True' }]],
    [
      'False',
      [
        { type: 'Ready', status: 'True' },
        { type: 'Healthy', status: 'False' },
      ],
    ],
    ['unknown', [{ type: 'Ready', status: 'True' }]],
    ['unknown', undefined],
  ])('is %s with the conditions %j', (health, conditions) => {
    expect(healthOf(object('WorkloadEntry', 'x', namespace, { status: { conditions } }))).toBe(health);
  });
});
