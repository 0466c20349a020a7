import { describe, expect, it } from 'vitest';
import { dns } from '../../../src/verify/vm-checks.ts';
import { config, node, NODES, object, READY_VM, REVISION, verdictOf, VM, type View } from './fake-lab.ts';

const CLUSTER_IP = '10.43.0.9';

const service = object('Service', `istiod-${REVISION}`, config.istio.namespace, { spec: { clusterIP: CLUSTER_IP } });

/** A lab whose VM resolves the name of istiod to these addresses. */
const resolving = (addresses: readonly string[], objects = [service]): View => ({
  objects: [...NODES.map((name) => node(name)), ...objects],
  vm: READY_VM,
  onVm: { istiod: addresses.map((address) => `${address}\n`).join('') },
});

describe('the check dns', () => {
  it('passes when the name of istiod resolves to the cluster address of its Service', async () => {
    expect(await verdictOf(dns, resolving([CLUSTER_IP]))).toMatchObject({ ok: true });
  });

  it('fails when the name resolves to another address, and says where to look', async () => {
    const verdict = await verdictOf(dns, resolving(['192.0.2.1']));
    expect(verdict.ok).toBe(false);
    expect(verdict.evidence).toContain('192.0.2.1');
    expect(verdict.evidence).toContain(CLUSTER_IP);
    expect(verdict.look).toContain('journalctl');
  });

  it('fails when the name does not resolve', async () => {
    expect((await verdictOf(dns, resolving([]))).ok).toBe(false);
  });

  it('fails when the cluster has no Service of istiod', async () => {
    expect((await verdictOf(dns, resolving([CLUSTER_IP], []))).ok).toBe(false);
  });

  it('fails with the state of the VM when it does not run', async () => {
    const verdict = await verdictOf(dns, { ...resolving([CLUSTER_IP]), machines: { [VM]: 'stopped' } });
    expect(verdict).toMatchObject({ ok: false, evidence: `${VM} is stopped` });
    expect(verdict.look).toContain('journalctl');
  });
});
