import { describe, expect, it } from 'vitest';
import type { Lab } from '../../../src/steps/lab.ts';
import { health } from '../../../src/verify/health.ts';
import { addressOf, config, object, READY_VM, verdictOf, VM, type View } from './fake-lab.ts';

const { namespace, app } = config.workloads[0];

/** A lab whose WorkloadEntry becomes unhealthy only after this number of waits; istiod became ready 10 s ago, or has no pod. */
function lab(waits: number, istiod: 'recent' | 'old'): View {
  const entry = object('WorkloadEntry', `${app}-1`, namespace, {
    labels: { app },
    spec: { address: addressOf(VM), network: config.networks.vm },
    status: { conditions: [{ type: 'Healthy', status: 'True' }] },
  });
  const pod = (name: string, since: string) =>
    object('Pod', name, istiod === 'recent' ? config.istio.namespace : 'default', {
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: since }] },
    });
  let calls = 0;
  const kubectl = {
    get: async () => [entry],
    entryHealth: async (_name: string, _namespace: string, wanted: string) => wanted === 'True' || ++calls > waits,
  } as unknown as Partial<Lab['kubectl']>;
  return { vm: READY_VM, objects: [entry, pod('istiod-1', '2026-01-01T00:00:10Z')], kubectl };
}

/** The check stops the demo workload itself, so the step of the demo workload differs meanwhile. */
const stepDiffers = async (): Promise<boolean> => true;

describe('the check health', () => {
  it('passes when the health of the entry follows the workload', async () => {
    expect(await verdictOf(health, lab(0, 'old'))).toMatchObject({ ok: true });
  });

  it('waits longer while istiod has just restarted, although the stopped demo workload differs', async () => {
    expect(await verdictOf(health, lab(6, 'recent'), { stepDiffers })).toMatchObject({ ok: true });
  });

  it('fails after the usual time when nothing has changed', async () => {
    const verdict = await verdictOf(health, lab(6, 'old'), { stepDiffers });
    expect(verdict).toMatchObject({ ok: false, evidence: 'stopped: Healthy is True' });
  });
});
